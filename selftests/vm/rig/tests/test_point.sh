#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
echo 1..2
echo ok 1 - fine
echo not ok 2 - not fine
