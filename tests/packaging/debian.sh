# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The packages that tests/packaging/debian makes, for tests/extended.sh: built as Debian builds them,
# examined, and installed one by one in a system that has nothing else of fend. The caller has sourced
# .ci/checks.sh and tests/lib/root.sh.

: "${build:?}" "${providers:?}"
packages=$build/packages

# packages_made PROVIDER: the four libraries, and what programs need to be compiled with them.
packages_made()
{
	local version tree
	version=$(sed -n "s/^project('fend'.* version: '\([^']*\)'.*/\1/p" meson.build)
	tree=$packages/fend-$version
	rm -rf "$packages" && mkdir -p "$tree" && root_sources "$tree" || return
	tar -C "$packages" -czf "$packages/fend_$version.orig.tar.gz" "fend-$version" || return
	cp -a tests/packaging/debian "$tree/debian"
	(cd "$tree" && FEND_TLS_PROVIDER=$1 dpkg-buildpackage -us -uc) &&
		(cd "$packages" && dpkg-scanpackages . >Packages) &&
		[ "$(find "$packages" -name 'libfend-*.deb' ! -name '*-dbgsym_*' | wc -l)" -eq 8 ]
}

lintian_is_content()
{
	lintian --allow-root --fail-on error --info "$packages"/*.changes
}

# Hardened throughout, and with no trace of where they were built.
libraries_are_clean()
{
	local package library
	for package in "$packages"/libfend-*0_*.deb; do
		dpkg-deb -x "$package" "$packages/content"
	done
	[ "$(find "$packages/content" -name 'libfend-*.so.0' | wc -l)" -eq 4 ] || return
	for library in "$packages"/content/usr/lib/*/libfend-*.so.0; do
		readelf -dW "$library" | grep -q 'FLAGS.*BIND_NOW\|FLAGS_1.*NOW' || return
		! readelf -dW "$library" | grep -q 'RPATH\|RUNPATH' || return
	done
	! grep -r "$build" "$packages/content"
}

# pulls PACKAGE EXPECTED...: which packages of fend come when it is asked for.
pulls()
{
	local package=$1 pulled
	shift
	pulled=$(inside apt-get install -s "$package" | sed -n 's/^Inst \(libfend-[^ ]*\).*/\1/p' | sort)
	echo "$pulled"
	[ "$pulled" = "$(printf '%s\n' "$@" | sort)" ]
}

offer_packages()
{
	root_make "$(dpkg --print-architecture)" && mkdir "$build/root/packages" &&
		cp "$packages"/Packages "$packages"/*.deb "$build/root/packages" &&
		echo 'deb [trusted=yes] file:/packages ./' >>"$build/root/etc/apt/sources.list" &&
		inside apt-get update &&
		inside apt-get install -y --no-install-recommends gcc libc6-dev pkg-config
}

# compiles NAME: the user's program of that library, with what is installed now; and it runs.
compiles()
{
	# shellcheck disable=SC2016 # expanded inside
	inside sh -euc 'cc -Wall -Werror "/fend/tests/packaging/use-$1.c" -o "/tmp/use-$1" \
		$(pkg-config --cflags --libs "libfend-$1") && "/tmp/use-$1"' sh "$1"
}

does_not_compile()
{
	! compiles "$1"
}

installs()
{
	inside apt-get install -y --no-install-recommends "$@"
}

provider_is()
{
	inside /tmp/use-tls | grep -qi "^$1"
}

debian()
{
	local provider
	# shellcheck disable=SC2086 # the providers are to be split into words
	for provider in $providers; do
		check "packages with $provider: built" packages_made "$provider"
		check "packages with $provider: lintian" lintian_is_content
		check "packages with $provider: hardened, without paths" libraries_are_clean
		check "packages with $provider: offered" offer_packages
		check 'packages: libfend-core0 alone' pulls libfend-core0 libfend-core0
		check 'packages: libfend-net0 pulls core' pulls libfend-net0 libfend-{core,net}0
		check 'packages: libfend-tls0 pulls net' pulls libfend-tls0 libfend-{core,net,tls}0
		check 'packages: libfend-dns0 pulls net' pulls libfend-dns0 libfend-{core,net,dns}0
		check 'packages: libfend-tls-dev pulls its like' \
			pulls libfend-tls-dev libfend-{core,net,tls}{0,-dev}
		check 'packages: libfend-core-dev' installs libfend-core-dev
		check 'packages: it compiles a loop' compiles core
		check 'packages: it does not compile a socket' does_not_compile net
		check 'packages: libfend-net-dev' installs libfend-net-dev
		check 'packages: it compiles a socket' compiles net
		check 'packages: it does not compile a lookup' does_not_compile dns
		check 'packages: libfend-dns-dev' installs libfend-dns-dev
		check 'packages: it compiles a lookup' compiles dns
		check 'packages: it does not compile a context' does_not_compile tls
		check 'packages: libfend-tls-dev' installs libfend-tls-dev
		check 'packages: it compiles a context' compiles tls
		check "packages: the provider is $provider" provider_is "$provider"
		root_remove
	done
}
