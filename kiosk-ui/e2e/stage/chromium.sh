#!/bin/sh
# Debian's Chromium, which gives way to the programs of the cabinet: there the unit of
# the devices has the greater weight, and here a browser that draws without a graphics
# chip on every core would hold up a virtual printer until it counts as without power.
exec nice -n 10 "${CHROMIUM:-/usr/bin/chromium}" "$@"
