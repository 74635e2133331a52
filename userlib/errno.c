// SPDX-License-Identifier: MPL-2.0
/*
 * Error numbers, and the version of the interface.
 *
 * ZeroMQ has some of its own, which no system call returns; the kernel uses
 * others for the same conditions. Those never reach the program.
 *
 * No locks; any thread.
 */
#include <string.h>

#include "zl.h"

/**
 * zl_errno - what a program knows for an error of the kernel
 * @err: errno of a system call on an AF_ZMQ socket
 */
int zl_errno(int err)
{
	switch (err) {
	case EBADFD:
		return EFSM;
	case ESHUTDOWN:
		return ETERM;
	case EPROTOTYPE:
		return ENOCOMPATPROTO;
	case ENFILE:
		return EMFILE;
	case EBADF:
		return ENOTSOCK;
	}
	return err;
}

/**
 * zl_fail - end a call with an error
 * @err: errno of the kernel or of ours
 *
 * Return: -1.
 */
int zl_fail(int err)
{
	errno = zl_errno(err);
	return -1;
}

/**
 * zl_sock_fail - end a call on a socket with an error
 * @s:   the socket
 * @err: errno of the kernel or of ours
 *
 * Return: -1. A socket that was closed meanwhile was not ended by its context.
 */
int zl_sock_fail(struct zl_sock *s, int err)
{
	if (err == ESHUTDOWN && !(atomic_load(&s->h.state) & ZL_OPEN))
		err = ENOTSOCK;
	return zl_fail(err);
}

int zmq_errno(void)
{
	return errno;
}

const char *zmq_strerror(int errnum)
{
	switch (errnum) {
	case EFSM:
		return "The socket is not in the state to do this";
	case ENOCOMPATPROTO:
		return "This transport does not go with this type of socket";
	case ETERM:
		return "The context was ended";
	case EMTHREAD:
		return "No thread for this";
	case EAFNOSUPPORT:
		return "No AF_ZMQ sockets: load the kernel module zmq (modprobe zmq)";
	}
	return strerror(errnum);
}

void zmq_version(int *major, int *minor, int *patch)
{
	*major = ZMQ_VERSION_MAJOR;
	*minor = ZMQ_VERSION_MINOR;
	*patch = ZMQ_VERSION_PATCH;
}
