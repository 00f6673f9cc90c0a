/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store room only: the driver's headers, whose inline functions are
 * not clean of conversion warnings.
 */
#ifndef ET_STORE_DRIVER_H
#define ET_STORE_DRIVER_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <bson/bson.h>
#include <mongoc/mongoc.h>
#pragma GCC diagnostic pop

#endif
