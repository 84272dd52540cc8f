#!/bin/bash
# install.sh: lays programs and units out under DESTDIR as a package does. It
# enables and starts nothing.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

to=${DESTDIR:-}
put() { # MODE SOURCE TARGET
	install -D -m "$1" "$2" "$to$3"
}
for p in kioskd kioskctl; do
	[ -x "bin/$p" ] || fail "bin/$p is missing: run \"make build\" first"
	put 755 "bin/$p" "/usr/bin/$p"
done
put 755 systemd/new-token /usr/lib/kiosk/new-token
for u in systemd/*.service systemd/*.socket systemd/*.timer; do
	put 644 "$u" "/usr/lib/systemd/system/${u##*/}"
done
put 644 systemd/sysusers.d/kiosk.conf /usr/lib/sysusers.d/kiosk.conf
put 644 systemd/tmpfiles.d/kiosk.conf /usr/lib/tmpfiles.d/kiosk.conf
put 644 systemd/modules-load.d/kiosk.conf /usr/lib/modules-load.d/kiosk.conf
put 644 systemd/polkit/50-kiosk-pcscd.rules /usr/share/polkit-1/rules.d/50-kiosk-pcscd.rules
put 644 systemd/udev/70-kiosk.rules.sample /usr/share/doc/kiosk/70-kiosk.rules.sample
put 644 systemd/kiosk-uplink.service.d/central.conf.sample /usr/share/doc/kiosk/central.conf.sample
put 644 daemon/config/kioskd.sample.toml /usr/share/doc/kiosk/kioskd.sample.toml
put 644 README.md /usr/share/doc/kiosk/README.md
