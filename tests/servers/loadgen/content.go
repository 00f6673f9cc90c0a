package main

import (
	"encoding/binary"
	"fmt"
	"math"
)

// resourceType describes the resources that devices come with.
type resourceType struct {
	href  string
	types []string
}

// Several of the types, where there are, show that the last one leads.
var resourceTypes = []resourceType{
	{"/oic/d", []string{"oic.wk.d", "oic.d.cloudDevice"}},
	{"/oic/p", []string{"oic.wk.p"}},
	{"/light/%d", []string{"core.light"}},
	{"/sensors/temperature/%d", []string{"oic.r.temperature", "oic.r.sensor"}},
	{"/switch/%d", []string{"oic.r.switch.binary"}},
	{"/meter/energy/%d", []string{"oic.r.energy.consumption"}},
}

// fixedResources are those that each device has once.
const fixedResources = 2

// resourceAt names the n-th resource of a device.
func resourceAt(n int) (href string, types []string) {
	if n < fixedResources {
		return resourceTypes[n].href, resourceTypes[n].types
	}
	n -= fixedResources
	many := len(resourceTypes) - fixedResources
	t := resourceTypes[fixedResources+n%many]
	return fmt.Sprintf(t.href, 1+n/many), t.types
}

// contentOf makes a representation; size > 0 asks for about so many bytes.
func (r *random) contentOf(a *aggregate, size int) content {
	c := content{media: "application/vnd.ocf+cbor", format: formatCBOR}
	switch {
	case size > 0:
		c.data = r.filler(size)
	case len(a.types) == 0 || a.types[0] == "core.light":
		c.data = cborMap(nil, 3)
		c.data = cborText(cborText(c.data, "name"), "Light")
		c.data = cborBool(cborText(c.data, "state"), r.chance(0.5))
		c.data = cborUint(cborText(c.data, "power"), uint64(r.below(100)))
	case a.types[0] == "oic.r.temperature":
		c.data = cborMap(nil, 4)
		c.data = cborFloat(cborText(c.data, "temperature"), float64(r.between(1500, 3000))/100)
		c.data = cborText(cborText(c.data, "units"), "C")
		c.data = cborArray(cborText(c.data, "range"), 2)
		c.data = cborFloat(cborFloat(c.data, -40), 85)
		c.data = cborUint(cborText(c.data, "n"), a.next)
	case a.types[0] == "oic.r.energy.consumption":
		c.data = cborMap(nil, 2)
		c.data = cborFloat(cborText(c.data, "power"), r.float()*1000)
		c.data = cborFloat(cborText(c.data, "energy"), float64(a.next)/4)
	case a.types[0] == "oic.r.switch.binary":
		c.media, c.format = "application/json", formatJSON
		c.data = fmt.Appendf(nil, `{"since":%d,"value":%t}`, a.next, r.chance(0.5))
	default:
		c.data = cborMap(nil, 2)
		c.data = cborText(cborText(c.data, "di"), a.device.id)
		c.data = cborText(cborText(c.data, "icv"), "ocf.2.0.5")
	}
	return c
}

// filler is a text that compresses to about a half.
func (r *random) filler(size int) []byte {
	text := make([]byte, (size+1)/2)
	r.fill(text)
	data := cborText(cborMap(nil, 1), "data")
	return cborText(data, fmt.Sprintf("%x", text)[:size])
}

func cborHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major<<5|byte(n))
	case n < 1<<8:
		return append(b, major<<5|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major<<5|25), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(b, major<<5|26), uint32(n))
	}
}

func cborUint(b []byte, n uint64) []byte { return cborHead(b, 0, n) }
func cborMap(b []byte, n int) []byte     { return cborHead(b, 5, uint64(n)) }
func cborArray(b []byte, n int) []byte   { return cborHead(b, 4, uint64(n)) }

func cborText(b []byte, s string) []byte {
	return append(cborHead(b, 3, uint64(len(s))), s...)
}

func cborFloat(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0xfb), math.Float64bits(v))
}

func cborBool(b []byte, v bool) []byte {
	if v {
		return append(b, 0xf5)
	}
	return append(b, 0xf4)
}
