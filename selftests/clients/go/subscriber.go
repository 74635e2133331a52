// SPDX-License-Identifier: GPL-2.0

// subscriber ENDPOINT TOPIC...: a subscriber to publish.py through cgo; a
// goroutine receives, another one counts. Debian has no package with a binding
// for Go, so the few calls that are needed are here.
package main

/*
#cgo LDFLAGS: -lzmq
#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

static int last_errno(void) { return zmq_errno(); }
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

// Socket is a socket of libzmq, used by one goroutine at a time.
type Socket struct{ p unsafe.Pointer }

func check(what string, rc C.int) {
	if rc == -1 {
		fmt.Fprintln(os.Stderr, what+":", C.GoString(C.zmq_strerror(C.last_errno())))
		os.Exit(1)
	}
}

func (s Socket) connect(endpoint string) {
	text := C.CString(endpoint)
	defer C.free(unsafe.Pointer(text))
	check("connect", C.zmq_connect(s.p, text))
}

func (s Socket) subscribe(topic string) {
	text := C.CString(topic)
	defer C.free(unsafe.Pointer(text))
	check("subscribe", C.zmq_setsockopt(s.p, C.ZMQ_SUBSCRIBE, unsafe.Pointer(text),
		C.size_t(len(topic))))
}

// recv returns all frames of the next message. The Go runtime interrupts its
// threads by signals; a call that has met one is made again.
func (s Socket) recv() [][]byte {
	var frames [][]byte
	var msg C.zmq_msg_t
	for {
		check("msg_init", C.zmq_msg_init(&msg))
		for C.zmq_msg_recv(&msg, s.p, 0) == -1 {
			if C.last_errno() != C.EINTR {
				check("recv", -1)
			}
		}
		frames = append(frames, C.GoBytes(C.zmq_msg_data(&msg), C.int(C.zmq_msg_size(&msg))))
		more := C.zmq_msg_more(&msg)
		check("msg_close", C.zmq_msg_close(&msg))
		if more == 0 {
			return frames
		}
	}
}

func receive(ctx unsafe.Pointer, messages chan<- [][]byte) {
	// errno belongs to the thread
	runtime.LockOSThread()
	s := Socket{C.zmq_socket(ctx, C.ZMQ_SUB)}
	s.connect(os.Args[1])
	for _, topic := range os.Args[2:] {
		s.subscribe(topic)
	}
	for {
		m := s.recv()
		messages <- m
		if string(m[1]) == "closed" {
			break
		}
	}
	check("close", C.zmq_close(s.p))
	close(messages)
}

func main() {
	ctx := C.zmq_ctx_new()
	messages := make(chan [][]byte)
	octets := 0
	go receive(ctx, messages)
	for m := range messages {
		fmt.Printf("%s %s\n", m[0], m[1])
		if len(m) > 2 {
			octets += len(m[2])
			if len(m[2])%50 == 0 {
				runtime.GC()
			}
		}
	}
	fmt.Println(octets, "octets besides")
	check("term", C.zmq_ctx_term(ctx))
}
