/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test for each option: OPTION(name, what it is) makes one which looks at the
 * default, good and bad values, lengths, socket types and the getter's buffer. It is
 * for one program: the harness does not let functions elsewhere use its macros.
 */
#ifndef KZMQ_SELFTEST_OPTS_H
#define KZMQ_SELFTEST_OPTS_H

enum opt_type { I32, I64, U64, STR, BIN };

#define TYPE(t)		(1u << ZMQ_##t)
#define ALL_TYPES	0xfffu

struct opt {
	int no;
	const char *name;
	enum opt_type type;
	long long def;
	const char *good;	/* values, by spaces; a text: one value */
	const char *bad;
	unsigned int on;	/* types that can set it, 0: all */
	unsigned int on_ours;	/* the same of ours, if not so, because of why */
	const char *why;
	int max;		/* octets that STR and BIN may have at most */
	bool empty;		/* they may have none, which clears or is a value */
	bool no_get, no_set;
	bool longer;		/* the getter takes a longer buffer */
	bool subs_zero;		/* the default is 0 for SUB and XSUB */
	const char *ours_lacks, *stock_lacks;	/* reasons */
};

static size_t width(const struct opt *o)
{
	return o->type == I32 ? 4 : 8;
}

static bool number(const struct opt *o)
{
	return o->type <= U64;
}

static unsigned int set_on(const struct opt *o)
{
	unsigned int on = o->on ? o->on : ALL_TYPES;

	return o->on_ours ? DIFFERS(o->on_ours, on, o->why) : on;
}

/* a type that has the option */
static int some_type(const struct opt *o)
{
	unsigned int on = set_on(o);

	return on == ALL_TYPES ? ZMQ_DEALER : __builtin_ctz(on);
}

/* the next value of a list, NULL at its end */
static const char *next_value(const char *list, long long *val)
{
	char *end;

	if (!list)
		return NULL;
	*val = list[0] == '-' || strlen(list) < 19 ? strtoll(list, &end, 10) :
		(long long)strtoull(list, &end, 10);
	return end == list ? NULL : end;
}

static int set_number(void *s, const struct opt *o, long long val)
{
	int small = val;

	return width(o) == 4 ? zmq_setsockopt(s, o->no, &small, 4) :
		zmq_setsockopt(s, o->no, &val, 8);
}

static int get_number(void *s, const struct opt *o, long long *val)
{
	size_t len = width(o);
	int small = 0, rc;

	rc = zmq_getsockopt(s, o->no, width(o) == 4 ? (void *)&small : val, &len);
	if (!rc)
		Z_CHECK(len == width(o));
	if (width(o) == 4)
		*val = small;
	return rc;
}

/* neither to be set nor to be read, in no length and by no type */
static void opt_refused(struct __test_metadata *_metadata, void *ctx, int no)
{
	static const size_t lens[] = { 0, 1, 4, 8, 32, 255 };
	unsigned char buf[256] = { 1 };
	int type, set, get, n = 0;
	size_t i, len;

	for (type = 0; type < 12; type++) {
		void *s = zmq_socket(ctx, type);

		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			len = lens[i];
			set = z_err(zmq_setsockopt(s, no, buf, len));
			get = z_err(zmq_getsockopt(s, no, buf, &len));
			if ((set != EINVAL || get != EINVAL) && !n++)
				TH_LOG("option %d of type %d, %zu octets: set %d, get %d",
				       no, type, lens[i], set, get);
		}
		xclose(s);
	}
	EXPECT_EQ(0, n);
}

static void defaults(struct __test_metadata *_metadata, void *ctx, const struct opt *o)
{
	long long val = -4711, want;
	int type;

	for (type = 0; type < 12; type++) {
		void *s;

		if (o->on && !(set_on(o) & 1u << type))
			continue;
		s = zmq_socket(ctx, type);
		want = o->def;
		if (o->subs_zero && (type == ZMQ_SUB || type == ZMQ_XSUB))
			want = 0;
		EXPECT_OK(get_number(s, o, &val)) {
			TH_LOG("type %d", type);
		}
		EXPECT_EQ(want, val) {
			TH_LOG("type %d", type);
		}
		xclose(s);
	}
}

/* set something that is right, by each type */
static int set_good(void *s, const struct opt *o)
{
	long long val;

	if (number(o)) {
		Z_CHECK(next_value(o->good, &val));
		return set_number(s, o, val);
	}
	return zmq_setsockopt(s, o->no, o->good ? o->good : "abc",
			      o->good ? strlen(o->good) : 3);
}

static void types(struct __test_metadata *_metadata, void *ctx, const struct opt *o)
{
	int type;

	for (type = 0; type < 12; type++) {
		void *s = zmq_socket(ctx, type);

		EXPECT_ERR(set_on(o) & 1u << type ? 0 : EINVAL, set_good(s, o)) {
			TH_LOG("type %d", type);
		}
		xclose(s);
	}
}

static void numbers(struct __test_metadata *_metadata, void *s, const struct opt *o)
{
	long long val, got = 0, last = 0;
	const char *p;

	for (p = o->good; (p = next_value(p, &val)); last = val) {
		EXPECT_OK(set_number(s, o, val)) {
			TH_LOG("%s = %lld", o->name, val);
		}
		if (o->no_get)
			continue;
		EXPECT_OK(get_number(s, o, &got));
		EXPECT_EQ(val, got);
	}
	for (p = o->bad; (p = next_value(p, &val));) {
		EXPECT_ERR(EINVAL, set_number(s, o, val)) {
			TH_LOG("%s = %lld", o->name, val);
		}
		if (o->no_get)
			continue;
		EXPECT_OK(get_number(s, o, &got));
		EXPECT_EQ(last, got);
	}
}

static void number_lengths(struct __test_metadata *_metadata, void *s,
			   const struct opt *o)
{
	unsigned char buf[64] = { 1 };
	long long got;
	size_t n, len;

	for (n = 0; n <= 20; n++) {
		if (n == width(o))
			continue;
		if (!o->no_set && n) {
			EXPECT_ERR(EINVAL, zmq_setsockopt(s, o->no, buf, n)) {
				TH_LOG("set %zu octets", n);
			}
		}
		len = n;
		memset(buf, 0xee, sizeof(buf));
		if (!o->no_get && o->longer && n > width(o)) {
			EXPECT_OK(zmq_getsockopt(s, o->no, buf, &len));
			EXPECT_EQ(width(o), len);
		} else {
			EXPECT_ERR(EINVAL, zmq_getsockopt(s, o->no, buf, &len)) {
				TH_LOG("get %zu octets", n);
			}
			EXPECT_EQ(0xee, buf[0]);
		}
		EXPECT_EQ(0xee, buf[width(o) < n ? n : width(o)]);
	}
	if (o->no_get)
		EXPECT_ERR(EINVAL, get_number(s, o, &got));
	if (o->no_set)
		EXPECT_ERR(EINVAL, set_number(s, o, 1));
}

/* a value comes back; the getter's buffer is filled up with zeros */
static void come_back(struct __test_metadata *_metadata, void *s,
		      const struct opt *o, const char *val, size_t n)
{
	size_t least = n + (o->type == STR), len;
	unsigned char buf[300];

	EXPECT_OK(zmq_setsockopt(s, o->no, val, n)) {
		TH_LOG("%zu octets", n);
	}
	memset(buf, 0xee, sizeof(buf));
	len = sizeof(buf);
	if (o->no_get) {
		EXPECT_ERR(EINVAL, zmq_getsockopt(s, o->no, buf, &len));
		return;
	}
	EXPECT_OK(zmq_getsockopt(s, o->no, buf, &len));
	EXPECT_EQ(least, len);
	EXPECT_EQ(0, memcmp(buf, val, n));
	EXPECT_EQ(0, buf[n]);
	EXPECT_EQ(0, buf[sizeof(buf) - 1]);
	memset(buf, 0xee, sizeof(buf));
	len = least;
	EXPECT_OK(zmq_getsockopt(s, o->no, buf, &len));
	EXPECT_EQ(0xee, buf[least]);
	if (!least)
		return;
	len = least - 1;
	EXPECT_ERR(EINVAL, zmq_getsockopt(s, o->no, buf, &len)) {
		TH_LOG("%zu octets for %zu", least - 1, least);
	}
}

static void octets(struct __test_metadata *_metadata, void *s, const struct opt *o)
{
	static char buf[301];

	memset(buf, 'm', sizeof(buf) - 1);
	if (o->good) {
		come_back(_metadata, s, o, o->good, strlen(o->good));
	} else {
		come_back(_metadata, s, o, "a", 1);
		come_back(_metadata, s, o, buf, o->max < 255 ? o->max : 255);
	}
	if (o->max < 300)
		EXPECT_ERR(EINVAL, zmq_setsockopt(s, o->no, buf, o->max + 1));
	if (o->bad)
		EXPECT_ERR(EINVAL, zmq_setsockopt(s, o->no, o->bad, strlen(o->bad)));
	if (o->empty || !o->good)
		EXPECT_ERR(o->empty ? 0 : EINVAL, zmq_setsockopt(s, o->no, NULL, 0));
}

static void opt_check(struct __test_metadata *_metadata, const struct opt *o)
{
	void *ctx = xctx(), *s;

	if (o->ours_lacks && DIFFERS(1, 0, o->ours_lacks)) {
		opt_refused(_metadata, ctx, o->no);
		xterm(ctx);
		return;
	}
	if (number(o) && !o->no_get)
		defaults(_metadata, ctx, o);
	if (!o->no_set)
		types(_metadata, ctx, o);
	s = zmq_socket(ctx, some_type(o));
	if (number(o)) {
		number_lengths(_metadata, s, o);
		if (!o->no_set)
			numbers(_metadata, s, o);
	} else {
		octets(_metadata, s, o);
	}
	xclose(s);
	xterm(ctx);
}

#define OPTION(nm, ...)							\
	TEST(nm)							\
	{								\
		static const struct opt o = {				\
			.no = ZMQ_##nm, .name = #nm, __VA_ARGS__	\
		};							\
									\
		if (o.stock_lacks)					\
			SKIP_STOCK(o.stock_lacks);			\
		opt_check(_metadata, &o);				\
	}

#endif
