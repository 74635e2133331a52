#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# TIMEOUT: 5
echo 1..1
echo hang >/sys/module/zmq/parameters/bug
sleep 1
echo ok 1 - went on after hang
