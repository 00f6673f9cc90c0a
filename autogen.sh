#!/bin/sh
# Makes configure and the Makefile.in files. Needs autoconf, automake, autoconf-archive, pkg-config.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux m4
exec autoreconf --install --force --warnings=all
