#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# a process left behind has to be gone before the next test
echo 1..1
setsid sleep 1000 &
echo ok 1 - left a process behind
