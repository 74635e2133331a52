// SPDX-License-Identifier: MPL-2.0
/* What zmq_has() tells of this library and the kernel below. */
#include <string.h>

#include "zl.h"

/*
 * libzmq knows more names, pgm among them; a name that is not here is
 * a thing we have not. As there, tcp and inproc are not asked for.
 */
static const char *const capabilities[] = {
	"ipc",
};

int zmq_has(const char *capability)
{
	size_t i;

	if (capability && !strcmp(capability, "curve"))
		return zl_has_curve();
	for (i = 0; capability && i < sizeof(capabilities) / sizeof(*capabilities); i++)
		if (!strcmp(capability, capabilities[i]))
			return 1;
	return 0;
}
