/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client certificate and its key as one file, which the driver wants, out of
 * two, which Kubernetes gives: in memory only, never on a disk.
 */
#ifndef ET_STORE_PEM_H
#define ET_STORE_PEM_H

#include "base/alloc.h"

#define ET_PEM_BYTES_MAX (1u << 20)
#define ET_PEM_PATH_BYTES 64

/* *ret_fd is the memory file (close it when no more connections are made), text its path. key_file
 * NULL: the certificate's file holds both. ET_IO, ET_CONFIG when a file has no certificate or no
 * key in it. */
ET_CHECKED int et_pem_join(const char *cert_file, const char *key_file, int *ret_fd,
			   char path[ET_PEM_PATH_BYTES], struct et_error *err);

#endif
