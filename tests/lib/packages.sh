# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The system packages that the scripts of this tree need, and how to install them. Sourced by
# examples/run.sh, tests/run.sh and .ci/run.
#
# One table says what is needed. Its first column is the group: "build" for the four libraries and
# the examples, "tests" for what the tests need besides, "ci" for .ci/run and "more" for
# tests/extended.sh. Each other column is a system. debian12 is proven, by running the scripts in a
# fresh Debian 12; the others are tried with --dry-run only.

packages_table()
{
	cat <<-END
	group debian12          ubuntu            fedora              alpine          arch
	build gcc               gcc               gcc                 gcc             gcc
	build libc6-dev         libc6-dev         glibc-devel         musl-dev        glibc
	build meson             meson             meson               meson           meson
	build pkg-config        pkg-config        pkgconf-pkg-config  pkgconf         pkgconf
	build libgnutls28-dev   libgnutls28-dev   gnutls-devel        gnutls-dev      gnutls
	build libssl-dev        libssl-dev        openssl-devel       openssl-dev     openssl
	build libc-ares-dev     libc-ares-dev     c-ares-devel        c-ares-dev      c-ares
	build libidn2-dev       libidn2-dev       libidn2-devel       libidn2-dev     libidn2
	build node-llhttp       libllhttp-dev     llhttp-devel        llhttp-dev      llhttp
	build liburiparser-dev  liburiparser-dev  uriparser-devel     uriparser-dev   uriparser
	build ca-certificates   ca-certificates   ca-certificates     ca-certificates ca-certificates
	build netbase           netbase           -                   -               iana-etc
	tests g++               g++               gcc-c++             g++             gcc
	tests libglib2.0-dev    libglib2.0-dev    glib2-devel         glib-dev        glib2
	tests dnsmasq-base      dnsmasq-base      dnsmasq             dnsmasq         dnsmasq
	tests nginx             nginx             nginx               nginx           nginx
	tests gnutls-bin        gnutls-bin        gnutls-utils        gnutls-utils    gnutls
	tests openssl           openssl           openssl             openssl         openssl
	tests curl              curl              curl                curl            curl
	tests mandoc            mandoc            mandoc              mandoc          mandoc
	tests iproute2          iproute2          iproute             iproute2        iproute2
	ci    ccache            ccache            ccache              ccache          ccache
	ci    clang             clang             clang               clang           clang
	ci    clang-format-14   clang-format-14   -                   -               -
	ci    clang-tidy-14     clang-tidy-14     -                   -               -
	ci    libclang-rt-dev   libclang-rt-dev   compiler-rt         compiler-rt     compiler-rt
	ci    musl-tools        musl-tools        musl-gcc            -               musl
	ci    valgrind          valgrind          valgrind            valgrind        valgrind
	ci    systemtap-sdt-dev systemtap-sdt-dev systemtap-sdt-devel -               systemtap
	ci    abigail-tools     abigail-tools     libabigail          -               libabigail
	ci    shellcheck        shellcheck        ShellCheck          shellcheck      shellcheck
	more  lld               lld               lld                 lld             lld
	more  debootstrap       debootstrap       debootstrap         debootstrap     debootstrap
	more  debhelper         debhelper         debhelper           -               -
	more  dpkg-dev          dpkg-dev          dpkg-dev            dpkg-dev        dpkg
	more  lintian           lintian           -                   -               -
	END
}

# The column for this machine.
packages_system()
{
	(
		ID='' VERSION_ID=''
		# shellcheck source=/dev/null
		. /etc/os-release
		case "$ID${VERSION_ID:+-$VERSION_ID} ${ID_LIKE:-}" in
		debian-12\ *)                   echo debian12 ;;
		*ubuntu*|*debian*)              echo ubuntu ;;
		*fedora*|*rhel*|*centos*)       echo fedora ;;
		*alpine*)                       echo alpine ;;
		*arch*)                         echo arch ;;
		*)                              echo unknown ;;
		esac
	)
}

# packages_listed SYSTEM GROUP...: their names.
packages_listed()
{
	packages_table | awk -v system_name="$1" -v groups=" $* " '
		NR == 1 { while (++column <= NF && $column != system_name); next }
		column <= NF && $column != "-" && index(groups, " " $1 " ") && !seen[$column]++ { print $column }'
}

packages_is_installed()
{
	case $1 in
	debian12|ubuntu) dpkg-query -W -f '${db:Status-Status}\n' "$2" 2>/dev/null | grep -qx installed ;;
	fedora)          rpm -q --quiet "$2" 2>/dev/null ;;
	alpine)          apk info -e "$2" >/dev/null 2>&1 ;;
	arch)            pacman -Q "$2" >/dev/null 2>&1 ;;
	esac
}

packages_as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "$0: run as root, or install sudo: $*" >&2
		return 1
	fi
}

packages_apt()
{
	packages_as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
}

# Debian starts a server when its package is installed, and then at each boot. The tests start nginx
# themselves, on a free port: on somebody's machine it is not to do more than that.
packages_apt_nginx()
(
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'packages_as_root rm -f "$policy"' EXIT
		trap 'exit 1' HUP INT TERM
		packages_as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
	fi &&
	packages_apt install -y --no-install-recommends "$@" &&
	packages_as_root update-rc.d nginx disable
)

packages_get()
{
	system=$1
	shift
	case "$system $* " in
	debian12*" nginx "*|ubuntu*" nginx "*) packages_apt update && packages_apt_nginx "$@" ;;
	debian12*|ubuntu*)
		packages_apt update && packages_apt install -y --no-install-recommends "$@" ;;
	fedora*) packages_as_root dnf install -y --setopt=install_weak_deps=False "$@" ;;
	alpine*) packages_as_root apk add "$@" ;;
	arch*)   packages_as_root pacman -Sy --needed --noconfirm "$@" ;;
	esac
}

# packages_install SYSTEM DRY_RUN GROUP...: install what is missing of the groups; DRY_RUN 1: only
# say so.
packages_install()
{
	system=$1
	dry_run=$2
	shift 2
	if [ -z "$(packages_listed "$system" "$@")" ]; then
		echo "fend: this system is unknown; install what Debian 12 calls" \
			"$(packages_listed debian12 "$@" | tr '\n' ' ')" >&2
		return 1
	fi
	missing=
	for name in $(packages_listed "$system" "$@"); do
		packages_is_installed "$system" "$name" || missing="$missing $name"
	done
	if [ -z "$missing" ]; then
		echo "fend: no package is missing"
		return 0
	fi
	echo "fend: packages to install:$missing"
	# shellcheck disable=SC2086 # the names are to be split into words
	[ "$dry_run" -eq 1 ] || packages_get "$system" $missing
}
