// SPDX-License-Identifier: GPL-2.0
/* KERNEL: debian */
/* What needs no socket: timers, Z85, keys, counters, threads, watches. */
#include "kselftest_harness.h"
#include "shim.h"

static int fired[8];
static void *fired_timers;

static void fire(int id, void *arg)
{
	fired[(long)arg]++;
}

/* timers that have to be due do not fire before; a busy wait is no sleep */
static void run_until(void *timers, const int *what, int n)
{
	long long end = z_now_ms() + z_ms(Z_WAIT_MS);

	while (*what < n) {
		long ms = zmq_timers_timeout(timers);

		Z_CHECK(ms >= 0 && z_now_ms() < end);
		if (ms)
			poll(NULL, 0, ms);
		Z_CHECK(!zmq_timers_execute(timers));
	}
}

TEST(timers)
{
	void *timers = zmq_timers_new();
	long long start = z_now_ms();
	int id, other;
	long ms;

	ASSERT_NE(NULL, timers);
	EXPECT_EQ(-1, zmq_timers_timeout(timers));
	EXPECT_OK(zmq_timers_execute(timers));
	id = zmq_timers_add(timers, 50, fire, (void *)0);
	EXPECT_LE(0, id);
	ms = zmq_timers_timeout(timers);
	EXPECT_TRUE(ms >= 0 && ms <= 50);
	run_until(timers, &fired[0], 1);
	EXPECT_LE(49, z_now_ms() - start);
	run_until(timers, &fired[0], 3);
	EXPECT_LE(148, z_now_ms() - start);
	other = zmq_timers_add(timers, 3600 * 1000, fire, (void *)1);
	EXPECT_NE(id, other);
	EXPECT_OK(zmq_timers_cancel(timers, id));
	EXPECT_LT(3500 * 1000, zmq_timers_timeout(timers));
	EXPECT_EQ(0, fired[1]);
	EXPECT_OK(zmq_timers_set_interval(timers, other, 10));
	EXPECT_GE(10, zmq_timers_timeout(timers));
	run_until(timers, &fired[1], 1);
	EXPECT_EQ(3, fired[0]);
	EXPECT_OK(zmq_timers_set_interval(timers, other, 1000000));
	EXPECT_OK(zmq_timers_reset(timers, other));
	EXPECT_LT(900000, zmq_timers_timeout(timers));
	EXPECT_OK(zmq_timers_cancel(timers, other));
	EXPECT_EQ(-1, zmq_timers_timeout(timers));
	EXPECT_OK(zmq_timers_destroy(&timers));
	EXPECT_EQ(NULL, timers);
}

TEST(timers_wrong)
{
	char rubbish[256] = "";
	void *timers = zmq_timers_new(), *none = NULL, *p = rubbish;
	int id = zmq_timers_add(timers, 1000, fire, NULL);

	EXPECT_ERR(EINVAL, zmq_timers_cancel(timers, id + 1));
	EXPECT_ERR(EINVAL, zmq_timers_reset(timers, id + 1));
	EXPECT_ERR(EINVAL, zmq_timers_set_interval(timers, id + 1, 5));
	EXPECT_OK(zmq_timers_cancel(timers, id));
	EXPECT_ERR(EINVAL, zmq_timers_cancel(timers, id));
	EXPECT_ERR(EFAULT, zmq_timers_add(timers, 1, NULL, NULL));
	EXPECT_ERR(EFAULT, zmq_timers_add(NULL, 1, fire, NULL));
	EXPECT_ERR(EFAULT, zmq_timers_add(rubbish, 1, fire, NULL));
	EXPECT_ERR(EFAULT, zmq_timers_cancel(NULL, 1));
	EXPECT_ERR(EFAULT, zmq_timers_set_interval(NULL, 1, 1));
	EXPECT_ERR(EFAULT, zmq_timers_reset(NULL, 1));
	EXPECT_ERR(EFAULT, zmq_timers_timeout(NULL));
	EXPECT_ERR(EFAULT, zmq_timers_execute(NULL));
	EXPECT_ERR(EFAULT, zmq_timers_destroy(&none));
	EXPECT_ERR(EFAULT, zmq_timers_destroy(&p));
	EXPECT_OK(zmq_timers_destroy(&timers));
}

static void cancel_myself(int id, void *arg)
{
	fired[0]++;
	Z_CHECK(!zmq_timers_cancel(fired_timers, id));
}

/* what a handler does to the timers that are being run */
TEST(timers_in_a_handler)
{
	void *timers = fired_timers = zmq_timers_new();

	EXPECT_LE(0, zmq_timers_add(timers, 5, cancel_myself, NULL));
	run_until(timers, &fired[0], 1);
	EXPECT_EQ(-1, zmq_timers_timeout(timers));
	EXPECT_OK(zmq_timers_destroy(&timers));
}

TEST(timers_are_in_order)
{
	void *timers = zmq_timers_new();
	long i;

	for (i = 7; i > 0; i--)
		EXPECT_LE(0, zmq_timers_add(timers, i * 20, fire, (void *)i));
	for (i = 1; i < 8; i++) {
		run_until(timers, &fired[i], 1);
		if (i > 1)
			EXPECT_LE(1, fired[i - 1]);
	}
	EXPECT_OK(zmq_timers_destroy(&timers));
}

TEST(z85)
{
	/* the example of the specification */
	static const unsigned char data[8] = {
		0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b,
	};
	unsigned char back[64], all[256];
	char text[400];
	size_t n;

	EXPECT_TRUE(text == zmq_z85_encode(text, data, 8));
	EXPECT_STREQ("HelloWorld", text);
	EXPECT_TRUE(back == zmq_z85_decode(back, "HelloWorld"));
	EXPECT_EQ(0, memcmp(back, data, 8));
	for (n = 0; n < 256; n++)
		all[n] = n;
	for (n = 0; n <= 256; n += 4) {
		unsigned char again[256];

		EXPECT_NE(NULL, zmq_z85_encode(text, all, n));
		EXPECT_EQ(n * 5 / 4, strlen(text));
		if (n) {
			EXPECT_NE(NULL, zmq_z85_decode(again, text));
			EXPECT_EQ(0, memcmp(again, all, n));
		}
	}
}

TEST(z85_wrong)
{
	static const char *const bad[] = {
		"1234", "123456", "abc d", "abc\"d", "abc\x80" "d", "abc\\d", "abc,d",
		"%nSc1", "#####",
	};
	unsigned char data[16] = "";
	char text[32];
	size_t i;

	EXPECT_NULL_ERR(EINVAL, zmq_z85_encode(text, data, 3));
	EXPECT_NULL_ERR(EINVAL, zmq_z85_encode(text, data, 5));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_NULL_ERR(EINVAL, zmq_z85_decode(data, bad[i])) {
			TH_LOG("%s", bad[i]);
		}
	}
	/* the largest number there is */
	EXPECT_NE(NULL, zmq_z85_decode(data, "%nSc0"));
	EXPECT_EQ(0, memcmp(data, "\xff\xff\xff\xff", 4));
}

TEST(curve_keys)
{
	char pub[41] = "", sec[41] = "", again[41] = "";

	EXPECT_OK(zmq_curve_keypair(pub, sec));
	EXPECT_EQ(40, strlen(pub));
	EXPECT_EQ(40, strlen(sec));
	EXPECT_OK(zmq_curve_public(again, sec));
	EXPECT_STREQ(pub, again);
	EXPECT_ERR(EINVAL, zmq_curve_public(again, "a"));
	/* RFC 26's server */
	EXPECT_OK(zmq_curve_public(again, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"));
	EXPECT_STREQ("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", again);
}

TEST(counter)
{
	void *c = zmq_atomic_counter_new();

	ASSERT_NE(NULL, c);
	EXPECT_EQ(0, zmq_atomic_counter_value(c));
	EXPECT_EQ(0, zmq_atomic_counter_inc(c));
	EXPECT_EQ(1, zmq_atomic_counter_inc(c));
	EXPECT_EQ(2, zmq_atomic_counter_value(c));
	EXPECT_EQ(1, zmq_atomic_counter_dec(c));
	EXPECT_EQ(0, zmq_atomic_counter_dec(c));
	EXPECT_EQ(0, zmq_atomic_counter_value(c));
	zmq_atomic_counter_set(c, 100);
	EXPECT_EQ(100, zmq_atomic_counter_value(c));
	EXPECT_EQ(1, zmq_atomic_counter_dec(c));
	EXPECT_EQ(99, zmq_atomic_counter_value(c));
	zmq_atomic_counter_destroy(&c);
	EXPECT_EQ(NULL, c);
}

static void count_up(void *counter)
{
	int i;

	for (i = 0; i < 100000; i++)
		zmq_atomic_counter_inc(counter);
}

TEST(threads_and_counter)
{
	void *c = zmq_atomic_counter_new(), *t[4];
	int i;

	for (i = 0; i < 4; i++) {
		t[i] = zmq_threadstart(count_up, c);
		ASSERT_NE(NULL, t[i]);
	}
	for (i = 0; i < 4; i++)
		zmq_threadclose(t[i]);
	EXPECT_EQ(400000, zmq_atomic_counter_value(c));
	zmq_atomic_counter_destroy(&c);
}

TEST(stopwatch)
{
	void *w = zmq_stopwatch_start();
	unsigned long a, b;

	ASSERT_NE(NULL, w);
	a = zmq_stopwatch_intermediate(w);
	poll(NULL, 0, 20);
	b = zmq_stopwatch_intermediate(w);
	EXPECT_LE(a + 19000, b);
	EXPECT_LE(b, zmq_stopwatch_stop(w));
}

TEST(sleep_seconds)
{
	long long start = z_now_ms();

	zmq_sleep(1);
	EXPECT_LE(999, z_now_ms() - start);
	zmq_sleep(0);
}

SHIM_HARNESS_MAIN
