// SPDX-License-Identifier: Apache-2.0
#include "et_test.h"

#include "evidence/merkle.h"

/* The inputs and roots of the test vectors of Certificate Transparency (RFC 6962's reference
 * code). */
static const struct {
	const char *bytes;
	size_t count;
	const char *root; /* of all leaves up to this one */
} vectors[] = {
	{ "", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "\x40\x41\x42\x43", 4,
	  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8,
	  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void
assert_root(struct et_merkle *tree, const char *want)
{
	char hex[ET_SHA256_HEX_BYTES];
	struct et_sha256 root;

	et_merkle_root(tree, &root);
	et_sha256_hex(&root, hex);
	assert_string_equal(hex, want);
}

static void
the_roots_are_those_of_certificate_transparency(void **state ET_UNUSED)
{
	ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();

	assert_root(tree, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ET_COUNT(vectors); i++) {
		struct et_sha256 leaf;

		et_merkle_leaf(hasher, vectors[i].bytes, vectors[i].count, &leaf);
		et_merkle_push(tree, &leaf, 1);
		assert_int_equal(et_merkle_size(tree), i + 1);
		assert_root(tree, vectors[i].root);
	}
}

/* RFC 6962, section 2.1, word for word: split at the largest power of two below n. */
static struct et_sha256
recursive_root(struct et_hasher *hasher, const struct et_sha256 *leaves, size_t count)
{
	struct et_sha256 left;
	struct et_sha256 right;
	size_t split = 1;

	if (count == 1)
		return leaves[0];
	while (split * 2 < count)
		split *= 2;
	left = recursive_root(hasher, leaves, split);
	right = recursive_root(hasher, leaves + split, count - split);
	et_hasher_begin(hasher);
	et_hasher_add(hasher, "\1", 1);
	et_hasher_add(hasher, &left, sizeof(left));
	et_hasher_add(hasher, &right, sizeof(right));
	et_hasher_end(hasher, &left);
	return left;
}

#define LEAVES 300

static void
make_leaves(struct et_hasher *hasher, struct et_sha256 leaves[LEAVES])
{
	for (uint32_t i = 0; i < LEAVES; i++)
		et_merkle_leaf(hasher, &i, sizeof(i), &leaves[i]);
}

static void
every_size_has_the_root_of_the_definition(void **state ET_UNUSED)
{
	ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();
	struct et_sha256 leaves[LEAVES];
	struct et_sha256 root;

	make_leaves(hasher, leaves);
	for (size_t i = 0; i < LEAVES; i++) {
		struct et_sha256 want = recursive_root(hasher, leaves, i + 1);

		et_merkle_push(tree, &leaves[i], 1);
		et_merkle_root(tree, &root);
		assert_memory_equal(&root, &want, sizeof(root));
	}
}

static void
a_tree_goes_on_from_its_edge_at_any_size(void **state ET_UNUSED)
{
	ET_CLEAN(et_hasher) struct et_hasher *hasher = et_hasher_new();
	struct et_sha256 leaves[LEAVES];
	struct et_sha256 want;

	make_leaves(hasher, leaves);
	want = recursive_root(hasher, leaves, LEAVES);
	for (size_t i = 0; i <= LEAVES; i++) {
		ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
		ET_CLEAN(et_merkle) struct et_merkle *next = et_merkle_new();
		struct et_sha256 edge[ET_MERKLE_EDGE_MAX];
		struct et_sha256 root;
		struct et_error err = { 0 };
		unsigned count;

		et_merkle_push(tree, leaves, i);
		count = et_merkle_edge(tree, edge);
		assert_int_equal(count, __builtin_popcountll(i));
		et_merkle_push(next, leaves, 17); /* what was there is forgotten */
		assert_ok(et_merkle_restore(next, i, edge, count, &err), &err);
		et_merkle_push(next, leaves + i, LEAVES - i);
		et_merkle_root(next, &root);
		assert_memory_equal(&root, &want, sizeof(root));
		assert_int_equal(et_merkle_size(next), LEAVES);
	}
}

static void
an_edge_of_the_wrong_length_is_refused(void **state ET_UNUSED)
{
	ET_CLEAN(et_merkle) struct et_merkle *tree = et_merkle_new();
	struct et_sha256 edge[ET_MERKLE_EDGE_MAX] = { 0 };
	struct et_error err = { 0 };

	assert_code(ET_CORRUPT, et_merkle_restore(tree, 5, edge, 1, &err), &err);
	assert_code(ET_CORRUPT, et_merkle_restore(tree, 5, edge, 3, &err), &err);
	assert_words(&err, "5 leaves has an edge of 2 hashes, not 3");
	assert_ok(et_merkle_restore(tree, UINT64_MAX, edge, 64, &err), &err);
	assert_int_equal(et_merkle_size(tree), UINT64_MAX);
	et_merkle_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_roots_are_those_of_certificate_transparency),
		cmocka_unit_test(every_size_has_the_root_of_the_definition),
		cmocka_unit_test(a_tree_goes_on_from_its_edge_at_any_size),
		cmocka_unit_test(an_edge_of_the_wrong_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
