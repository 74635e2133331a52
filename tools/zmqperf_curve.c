// SPDX-License-Identifier: GPL-2.0
/*
 * zmqperf: CURVE. Both ends have the keys of RFC 26's server; what they are does
 * not matter for the cost.
 *
 * What the cipher alone costs is measured with libsodium, which libzmq has it
 * from: a message sealed and opened, or the key agreements of a handshake.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "zmqperf.h"

#define KEY	32
#define NONCE	24
#define TAG	16

static struct {
	int (*init)(void);
	int (*keypair)(unsigned char *pk, unsigned char *sk);
	int (*beforenm)(unsigned char *k, const unsigned char *pk,
			const unsigned char *sk);
	int (*seal)(unsigned char *c, const unsigned char *m,
		    unsigned long long len, const unsigned char *n,
		    const unsigned char *k);
	int (*open)(unsigned char *m, const unsigned char *c,
		    unsigned long long len, const unsigned char *n,
		    const unsigned char *k);
} sodium;

#define FUNCTION(f, name) { name, &sodium.f }

/**
 * zp_cipher_probe - can the cipher alone be measured here
 *
 * Return: NULL, or why not.
 */
const char *zp_cipher_probe(void)
{
	const struct {
		const char *name;
		void *at;
	} functions[] = {
		FUNCTION(init, "sodium_init"),
		FUNCTION(keypair, "crypto_box_keypair"),
		FUNCTION(beforenm, "crypto_box_beforenm"),
		FUNCTION(seal, "crypto_box_easy_afternm"),
		FUNCTION(open, "crypto_box_open_easy_afternm"),
	};
	void *lib = dlopen("libsodium.so.23", RTLD_NOW | RTLD_LOCAL);
	unsigned int i;
	void *f;

	if (!lib)
		return dlerror();
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		f = dlsym(lib, functions[i].name);
		if (!f)
			return functions[i].name;
		memcpy(functions[i].at, &f, sizeof(f));
	}
	return sodium.init() < 0 ? "sodium_init() failed" : NULL;
}

static void nothing(struct zp_run *run)
{
	zp_ctl_sync(run);
}

static void cipher(struct zp_run *run)
{
	static const unsigned char nonce[NONCE];
	unsigned char pub[KEY], sec[KEY], key[KEY];
	unsigned char *msg = zp_alloc(run->size);
	unsigned char *box = zp_alloc(run->size + TAG);
	unsigned long i;

	sodium.keypair(pub, sec);
	if (sodium.beforenm(key, pub, sec))
		zp_die("two keys do not agree");
	for (i = 0; i < run->warm + run->count; i++) {
		if (i == run->warm)
			zp_mark_begin(run);
		if (sodium.seal(box, msg, run->size, nonce, key) ||
		    sodium.open(msg, box, run->size + TAG, nonce, key))
			zp_die("a box that does not open");
	}
	zp_mark_end(run);
	zp_ctl_sync(run);
}

const struct zp_test zp_cipher = { "cipher", "seal and open", nothing, cipher };

/*
 * A handshake: the client needs a pair and C'S, CS' or the like for the vouch,
 * C'S'; the server a pair, S C', S' C', S' C.
 */
#define PAIRS	2
#define AGREED	6

static void agreement(struct zp_run *run)
{
	unsigned char pub[KEY], sec[KEY], key[KEY];
	unsigned long i;
	int j;

	for (i = 0; i < run->warm + run->count; i++) {
		if (i == run->warm)
			zp_mark_begin(run);
		for (j = 0; j < PAIRS; j++)
			sodium.keypair(pub, sec);
		for (j = 0; j < AGREED; j++)
			if (sodium.beforenm(key, pub, sec))
				zp_die("two keys do not agree");
	}
	zp_mark_end(run);
	zp_ctl_sync(run);
}

const struct zp_test zp_agree = { "agree", "handshake's keys", nothing, agreement };
