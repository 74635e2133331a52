/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer over the wire: recorded sessions, cases made of them, sockets
 * under test. A case is a function of seed, number and corpus alone.
 */
#ifndef KZMQ_SELFTEST_FUZZ_WIRE_H
#define KZMQ_SELFTEST_FUZZ_WIRE_H

#include "fuzz.h"

#define TYPES		(ZMQ_STREAM + 1)
#define SEGS_MAX	64
#define CASE_MAX	(256 * 1024)
#define CUTS_MAX	8

/**
 * struct session - what one side of a connection has sent
 * @data:  its octets
 * @len:   how many
 * @type:  socket type of the side
 * @ver:   ZMTP version: 1, 2, 3
 * @body:  the first segment behind the handshake
 * @nseg:  segments: the greeting, then a frame each
 * @seg:   where they begin; one more entry for the end
 * @name:  for the list that is printed
 */
struct session {
	unsigned char *data;
	__u32 len;
	int type, ver, body, nseg;
	__u32 seg[SEGS_MAX + 1];
	char name[40];
};

extern struct session corpus[];
extern int corpus_len;

/* fuzz_wire_corpus.c */
void corpus_make(void);
__u64 corpus_hash(void);

enum finale {
	END_CLOSE, END_RESET, END_SHUT, END_HOLD
};

/**
 * struct fcase - one case
 * @no:     its number
 * @target: index of the socket under test
 * @base:   the session it was made of
 * @buf:    the octets
 * @len:    how many
 * @cut:    where they are cut, ascending; the last is @len
 * @ncut:   how many pieces
 * @slow:   steps to wait before each piece
 * @deaf:   do not read what comes
 * @end:    how the connection ends
 */
struct fcase {
	__u64 no;
	int target, base;
	unsigned char *buf;
	__u32 len, cut[CUTS_MAX];
	int ncut, slow;
	bool deaf;
	enum finale end;
};

/* fuzz_wire_mutate.c */
void case_make(struct fcase *c, __u64 seed, __u64 no, int ntargets,
	       int (*target_type)(int target));

/**
 * struct target - a socket under test
 * @type:  its type
 * @bound: it listens; else it connects to @lfd
 * @fd:    the socket
 * @lfd:   our listener
 * @ep:    where it listens, or we
 * @z:     good peer made of libzmq
 * @gfd:   good peer of ours
 * @gep:   where @gfd listens
 * @id:    whom ROUTER heard last
 * @idlen: length of @id
 * @busy:  STREAM: a case is using it
 * @again: when to connect anew, 0 when nobody waits for that
 */
struct target {
	int type;
	bool bound;
	int fd, lfd;
	char ep[EP_LEN];
	void *z;
	int gfd;
	char gep[EP_LEN];
	unsigned char id[256];
	int idlen;
	bool busy;
	long long again;
};

/* fuzz_wire_target.c */
extern const char * const type_names[TYPES];
void target_open(struct target *t, int type, bool bound);
void target_close(struct target *t);
void target_again(struct target *t);
void target_drain(struct target *t);
void target_use(struct target *t, struct rng *r);
unsigned int target_good_peers(const struct target *t);
bool target_good(struct target *t);
void targets_end(void);

#endif
