package main

import "testing"

// The expected values were written by a hub.
func TestNamesAreThoseOfTheHub(t *testing.T) {
	for name, want := range map[string]string{
		"/oic/d":   "7cd3e969-b4f7-5130-bc74-51ca4b70fe9f",
		"/light/1": "78baefb2-dcdc-50c3-bb55-5ff4c5e4c8b2",
		"37ec7678-186e-4c8c-816b-1ddd9bfa185e/oic/d": "3715b773-222b-5c3a-8a74-4417c89db451",
	} {
		if got := nameUUID(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestOwnerIsKeptWhenItIsAUUID(t *testing.T) {
	for claim, want := range map[string]string{
		"1":                                             "b80c8fef-a677-5340-85fb-2c162d75df03",
		"auth0|0000000008f92e65360bf61e":                "1dd6ba6b-b98f-5af9-8a6f-f0f42abd1035",
		"00000000-0000-0000-0000-000000000000":          "65171a0a-d3d6-5e08-af78-824e18d8e85f",
		"061761A9-7A43-441F-A538-5D9754040908":          "",
		"eadae9c6ec4f423287f2dede070da8d5":              "",
		"urn:uuid:061761a9-7a43-441f-a538-5d9754040908": "",
		"{061761a9-7a43-441f-a538-5d9754040908}":        "",
	} {
		if want == "" {
			want = claim
		}
		if got := ownerID(claim); got != want {
			t.Errorf("%s: %s, want %s", claim, got, want)
		}
	}
}

func TestOwnerIsHashedWhenItIsAlmostAUUID(t *testing.T) {
	for _, claim := range []string{
		"061761a9-7a43-441f-a538-5d975404090", "061761a97-a43-441f-a538-5d9754040908",
		"061761a9-7a43-441f-a538-5d97540-0908", "gadae9c6ec4f423287f2dede070da8d5", "",
	} {
		if got := ownerID(claim); got == claim || len(got) != 36 {
			t.Errorf("%q became %q", claim, got)
		}
	}
}
