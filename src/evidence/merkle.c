// SPDX-License-Identifier: Apache-2.0
#include "evidence/merkle.h"

#include <inttypes.h>

struct et_merkle {
	uint64_t size;
	/* The root of the perfect subtree of 2^i leaves, where bit i of the size is set. */
	struct et_sha256 level[ET_MERKLE_EDGE_MAX];
	struct et_hasher *hasher;
};

struct et_merkle *
et_merkle_new(void)
{
	struct et_merkle *tree = et_calloc(1, sizeof(*tree));

	tree->hasher = et_hasher_new();
	return tree;
}

void
et_merkle_free(struct et_merkle *tree)
{
	if (tree == NULL)
		return;
	et_hasher_free(tree->hasher);
	free(tree);
}

void
et_merkle_leaf(struct et_hasher *hasher, const void *bytes, size_t count, struct et_sha256 *ret)
{
	static const uint8_t prefix = 0;

	et_hasher_begin(hasher);
	et_hasher_add(hasher, &prefix, sizeof(prefix));
	et_hasher_add(hasher, bytes, count);
	et_hasher_end(hasher, ret);
}

static void
hash_node(struct et_hasher *hasher, const struct et_sha256 *left, const struct et_sha256 *right,
	  struct et_sha256 *ret)
{
	uint8_t node[1 + 2 * ET_SHA256_BYTES]; /* one piece costs less than three */

	node[0] = 1;
	memcpy(node + 1, left->bytes, ET_SHA256_BYTES);
	memcpy(node + 1 + ET_SHA256_BYTES, right->bytes, ET_SHA256_BYTES);
	et_hasher_once(hasher, node, sizeof(node), ret);
}

/* Like adding one to a binary number: each carry joins two subtrees of the same size. */
void
et_merkle_push(struct et_merkle *tree, const struct et_sha256 *leaves, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct et_sha256 node = leaves[i];
		unsigned level = 0;

		for (; (tree->size >> level & 1) != 0; level++)
			hash_node(tree->hasher, &tree->level[level], &node, &node);
		tree->level[level] = node;
		tree->size++;
	}
}

uint64_t
et_merkle_size(const struct et_merkle *tree)
{
	return tree->size;
}

/* From the right: the smallest subtree first, each larger one to its left. */
void
et_merkle_root(struct et_merkle *tree, struct et_sha256 *ret)
{
	struct et_sha256 root = { 0 };
	bool any = false;

	for (unsigned level = 0; level < ET_MERKLE_EDGE_MAX; level++) {
		if ((tree->size >> level & 1) == 0)
			continue;
		if (any)
			hash_node(tree->hasher, &tree->level[level], &root, &root);
		else
			root = tree->level[level];
		any = true;
	}
	if (!any)
		et_hasher_once(tree->hasher, "", 0, &root);
	*ret = root;
}

unsigned
et_merkle_edge(const struct et_merkle *tree, struct et_sha256 ret[ET_MERKLE_EDGE_MAX])
{
	unsigned count = 0;

	for (unsigned level = ET_MERKLE_EDGE_MAX; level-- > 0;)
		if ((tree->size >> level & 1) != 0)
			ret[count++] = tree->level[level];
	return count;
}

int
et_merkle_restore(struct et_merkle *tree, uint64_t size, const struct et_sha256 *edge,
		  unsigned count, struct et_error *err)
{
	unsigned at = 0;

	if (count != (unsigned)__builtin_popcountll(size))
		return et_error_set(err, ET_CORRUPT,
				    "a tree of %" PRIu64 " leaves has an edge of %d hashes, not %u",
				    size, __builtin_popcountll(size), count);
	for (unsigned level = ET_MERKLE_EDGE_MAX; level-- > 0;)
		if ((size >> level & 1) != 0)
			tree->level[level] = edge[at++];
	tree->size = size;
	return 0;
}
