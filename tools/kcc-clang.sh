#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A compiler for "make clang": clang with the options which a kernel that was
# configured for gcc asks for replaced or dropped.

args=()
for a in "$@"; do
	case $a in
	-mindirect-branch=thunk-extern)
		args+=(-mretpoline-external-thunk) ;;
	-mindirect-branch*|-mfunction-return=*|-mharden-sls=*) ;;
	-mpreferred-stack-boundary=3)
		args+=(-mstack-alignment=8) ;;
	-mpreferred-stack-boundary=*|-mskip-rax-setup|-mrecord-mcount) ;;
	-fconserve-stack|-fno-allow-store-data-races|-fno-var-tracking*) ;;
	-falign-jumps=*|-falign-loops=*|-fmin-function-alignment=*) ;;
	-fplugin*|-fzero-call-used-regs=*|-ftrivial-auto-var-init=*) ;;
	-fsanitize=bounds-strict|-fno-ipa-*|-fno-partial-inlining) ;;
	-fno-code-hoisting|-fno-reorder-blocks*|--param=*|-Wno-maybe-uninitialized) ;;
	*)
		args+=("$a") ;;
	esac
done
exec "${CLANG:-clang}" -Qunused-arguments "${args[@]}" \
	-Wno-unknown-warning-option -Wno-gnu -Wno-pointer-sign -Wno-sign-compare
