// SPDX-License-Identifier: GPL-2.0
#include "lib.h"

static const char digits[] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

static const struct {
	const char *octets;
	size_t size;
	const char *text;
} vectors[] = {
	{ "", 0, "" },
	{ "\x86\x4f\xd2\x6f\xb5\x59\xf7\x5b", 8, "HelloWorld" },
	{ "\0\0\0\0", 4, "00000" },
	{ "\xff\xff\xff\xff", 4, "%nSc0" },
	{ "\0\0\0\1\0\0\0\x54\0\0\0\x55", 12, "000010000#00010" },
	{
		"\xbb\x88\x47\x1d\x65\xe2\x65\x9b\x30\xc5\x5a\x53\x21\xce\xbb\x5a"
		"\xab\x2b\x70\xa3\x98\x64\x5c\x26\xdc\xa2\xb2\xfc\xb4\x3f\xc5\x18",
		32, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
	},
};

static void z85__vectors(void)
{
	char text[64];
	u8 octets[64];
	size_t i;

	for (i = 0; i < TAP_ROW(vectors); i++) {
		memset(text, 'x', sizeof(text));
		CHECK(zmq_z85_encode(text, (u8 *)vectors[i].octets, vectors[i].size) == text);
		CHECK(!strcmp(text, vectors[i].text));
		if (!vectors[i].size)
			continue;
		memset(octets, 'x', sizeof(octets));
		CHECK(zmq_z85_decode(octets, text) == octets);
		CHECK(!memcmp(octets, vectors[i].octets, vectors[i].size));
		CHECK_EQ(octets[vectors[i].size], 'x');
	}
}

static bool decodes(const char *text)
{
	u8 octets[64];
	u8 *got;

	errno = 0;
	got = zmq_z85_decode(octets, text);
	CHECK(got ? got == octets : errno == EINVAL);
	return got;
}

static void z85__wrong_lengths(void)
{
	const u8 octets[8] = { 0 };
	char text[16];
	size_t i;

	for (i = 0; i <= sizeof(octets); i++) {
		errno = 0;
		CHECK_EQ(!zmq_z85_encode(text, octets, i), i % 4 != 0);
		CHECK_EQ(errno, i % 4 ? EINVAL : 0);
	}
	for (i = 0; i <= 10; i++) {
		memset(text, '0', sizeof(text));
		text[i] = '\0';
		CHECK_EQ(decodes(text), i && i % 5 == 0);
	}
}

static void z85__numbers_too_large(void)
{
	CHECK(decodes("%nSc0"));
	CHECK(!decodes("%nSc1"));
	CHECK(!decodes("%nSd0"));
	CHECK(!decodes("#####"));
	CHECK(!decodes("00000%nSc1"));
}

static void z85__each_octet_each_place(void)
{
	char text[11];
	int c, at;

	for (c = 1; c < 256; c++) {
		for (at = 0; at < 10; at++) {
			memcpy(text, "0000000000", 11);
			text[at] = (char)c;
			/* 82 * 85^4 is the last that fits into 32 bits */
			CHECK_EQ(decodes(text), strchr(digits, c) &&
				 (at % 5 || strchr(digits, c) - digits <= 82));
		}
	}
}

/* Copies end where they have to, so that one octet too many is caught. */
static void z85__there_and_back(void)
{
	u8 octets[128], *exact, *back;
	size_t size, i, round;
	char *text;

	for (round = 0; round < 1000; round++) {
		size = 4 * (1 + tap_rand() % 32);
		for (i = 0; i < size; i++)
			octets[i] = (u8)tap_rand();
		exact = tap_dup(octets, size);
		text = malloc(size / 4 * 5 + 1);
		back = malloc(size);
		CHECK(zmq_z85_encode(text, exact, size) == text);
		CHECK_EQ(strlen(text), size / 4 * 5);
		CHECK(zmq_z85_decode(back, text) == back);
		CHECK(!memcmp(back, octets, size));
		free(exact);
		free(text);
		free(back);
	}
}

int main(void)
{
	RUN(z85__vectors);
	RUN(z85__wrong_lengths);
	RUN(z85__numbers_too_large);
	RUN(z85__each_octet_each_place);
	RUN(z85__there_and_back);
	return tap_done();
}
