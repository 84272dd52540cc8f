#!/bin/sh
# generate.sh: makes the DER files of this folder from vectors.cnf with openssl.
set -eu
cd "$(dirname "$0")"
for name in odf odf_relative odf_inline odf_loop tokeninfo tokeninfo_plain prkd prkd_files \
	cd cd_part aod aod_local dir dir_aid; do
	openssl asn1parse -genstr "SEQUENCE:$name" -genconf vectors.cnf -noout -out "$name.der"
	# The fields alone: without the header of the sequence that holds them.
	head=$(openssl asn1parse -inform DER -in "$name.der" | sed -n '1s/.*hl=\([0-9]*\).*/\1/p')
	tail -c "+$((head + 1))" "$name.der" >"$name.tmp"
	mv "$name.tmp" "$name.der"
done
