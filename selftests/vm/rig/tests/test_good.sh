#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
echo 1..3
test -d /sys/module/zmq || echo -n 'not '
echo ok 1 - module is loaded
test "$(ls /sys/class/net)" || echo -n 'not '
echo ok 2 - there are devices
echo ok 3 '# SKIP to see a skip'
