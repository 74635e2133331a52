/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KZMQ_Z85_H
#define KZMQ_Z85_H

#include "pure.h"

int kzmq_z85_decode(u8 *out, const u8 *text, size_t len);
void kzmq_z85_encode(u8 *out, const u8 *data, size_t len);

#endif /* KZMQ_Z85_H */
