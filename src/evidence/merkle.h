/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An RFC 6962 (and RFC 9162) Merkle tree that only grows. Kept: the number of
 * leaves and the right edge, the roots of the perfect subtrees that make it up
 * (one for each bit of the size): at most 64 hashes.
 *
 *	leaf = SHA-256(00 || bytes)    node = SHA-256(01 || left || right)
 *	the tree of no leaves: SHA-256("")
 *
 * One thread per object.
 */
#ifndef ET_EVIDENCE_MERKLE_H
#define ET_EVIDENCE_MERKLE_H

#include "base/digest.h"

#define ET_MERKLE_EDGE_MAX 64

struct et_merkle;

struct et_merkle *et_merkle_new(void); /* no leaves */
void et_merkle_free(struct et_merkle *tree);
/* Appends leaf hashes. One node hash per leaf, amortised. */
void et_merkle_push(struct et_merkle *tree, const struct et_sha256 *leaves, size_t count);
uint64_t et_merkle_size(const struct et_merkle *tree);
/* The tree head. O(log size) hashes. */
void et_merkle_root(struct et_merkle *tree, struct et_sha256 *ret);
/* The right edge, left (largest subtree) to right; returns how many: the bits set in the size. */
unsigned et_merkle_edge(const struct et_merkle *tree, struct et_sha256 ret[ET_MERKLE_EDGE_MAX]);
/* Goes on from a size and its right edge. ET_CORRUPT when count is not the number of bits set in
 * size; whether the hashes are right shows in the root. */
ET_CHECKED int et_merkle_restore(struct et_merkle *tree, uint64_t size,
				 const struct et_sha256 *edge, unsigned count,
				 struct et_error *err);

/* The hash of a leaf. */
void et_merkle_leaf(struct et_hasher *hasher, const void *bytes, size_t count,
		    struct et_sha256 *ret);

ET_CLEANUP_DEFINE(et_merkle, et_merkle_free);

#endif
