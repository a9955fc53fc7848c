#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of socket options against the names in the system's headers.

Each name of an option that takes an int must be in the table. What the headers have besides is
listed here. Headers of a Linux later than the table was last compared with may have more: that is
reported, but does not fail, since it is nothing that whoever builds fend has done wrong.
"""
import argparse
import pathlib
import re
import subprocess

import tap

COMPARED_WITH = (6, 1)
LEVELS = {'SO': 'SOL_SOCKET', 'IP': 'IPPROTO_IP', 'IPV6': 'IPPROTO_IPV6', 'TCP': 'IPPROTO_TCP',
          'UDP': 'IPPROTO_UDP'}
HEADERS = ['sys/socket.h', 'netinet/in.h', 'netinet/tcp.h', 'netinet/udp.h']

NO_OPTION = '''
    IP_DEFAULT_MULTICAST_(LOOP|TTL) IP_MAX_MEMBERSHIPS IP_ORIGDSTADDR IP_PMTUDISC(_\\w+)?
    IPV6_ORIGDSTADDR IPV6_PMTUDISC_\\w+ IPV6_RTHDR_(LOOSE|STRICT|TYPE_0)
    SO_SECURITY_\\w+ SO_BSDCOMPAT
    TCP_CM_INQ TCP_COOKIE_(IN_ALWAYS|MAX|MIN|OUT_NEVER|PAIR_SIZE) TCP_MAXWIN TCP_MAX_WINSHIFT
    TCP_MD5SIG_(FLAG_\\w+|MAXKEYLEN) TCP_MSS(_DEFAULT|_DESIRED)? TCP_REPAIR_(ON|OFF|OFF_NO_WP)
    TCP_S_DATA_(IN|OUT) UDP_ENCAP_\\w+'''
ONLY_READ = '''
    IP_MTU IP_PKTOPTIONS IPV6_2292PKTOPTIONS IPV6_PATHMTU
    SO_ACCEPTCONN SO_BPF_EXTENSIONS SO_COOKIE SO_DOMAIN SO_ERROR SO_GET_FILTER
    SO_INCOMING_NAPI_ID SO_MEMINFO SO_NETNS_COOKIE SO_PEER(CRED|GROUPS|NAME|PIDFD|SEC)
    SO_PROTOCOL SO_TYPE TCP_CC_INFO TCP_INFO TCP_IS_MPTCP TCP_SAVED_SYN TCP_ZEROCOPY_RECEIVE'''
NO_INT = '''
    IP_(ADD|DROP)(_SOURCE)?_MEMBERSHIP IP_(BLOCK|UNBLOCK)_SOURCE IP_MSFILTER IP_MULTICAST_IF
    IP_OPTIONS IP_(IPSEC|XFRM)_POLICY
    IPV6_(ADD|DROP)_MEMBERSHIP IPV6_(JOIN|LEAVE)_(ANYCAST|GROUP) IPV6_AUTHHDR IPV6_DSTOPTS
    IPV6_HOPLIMIT IPV6_HOPOPTS IPV6_(IPSEC|XFRM)_POLICY IPV6_NEXTHOP IPV6_PKTINFO IPV6_RTHDR
    IPV6_RTHDRDSTOPTS IPV6_RX(DST|HOP)OPTS
    SO_ATTACH_FILTER SO_ATTACH_REUSEPORT_CBPF SO_BINDTODEVICE SO_DEVMEM_\\w+ SO_LINGER
    SO_(RCV|SND)TIMEO(_NEW|_OLD)? SO_TXTIME
    TCP_AO_\\w+ TCP_CONGESTION TCP_COOKIE_TRANSACTIONS TCP_FASTOPEN_KEY TCP_MD5SIG(_EXT)?
    TCP_REPAIR_(OPTIONS|WINDOW) TCP_ULP'''


def names_of_headers(compiler, headers):
    """The names of macros that begin like an option of a level."""
    text = '#define _GNU_SOURCE\n' + ''.join(f'#include <{name}>\n' for name in headers)
    result = subprocess.run([*compiler, '-E', '-dM', '-x', 'c', '-'], input=text, text=True,
                            stdout=subprocess.PIPE, check=True)
    return set(re.findall(r'^#define (\w+)\b(?!\()', result.stdout, re.M)), result.stdout


def version_of_linux(compiler):
    """That of the kernel's headers, (0, 0) if there are none."""
    if subprocess.run([*compiler, '-E', '-x', 'c', '-'], input='#include <linux/version.h>\n',
                      text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        return (0, 0)
    code = re.search(r'LINUX_VERSION_CODE (\d+)',
                     names_of_headers(compiler, ['linux/version.h'])[1])
    return int(code[1]) >> 16, int(code[1]) >> 8 & 255


def main():
    """Three checks."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--c', required=True, type=str.split)
    parser.add_argument('--table', required=True, type=pathlib.Path)
    options = parser.parse_args()

    rows = re.findall(r'^#ifdef (\w+)\nOPTION\((\w+), (\w+)\)\n#endif$',
                      options.table.read_text(), re.M)
    names = [name for guard, level, name in rows]
    others = re.compile('|'.join((NO_OPTION + ONLY_READ + NO_INT).split()))
    found = {name for name in names_of_headers(options.c, HEADERS)[0]
             if name.partition('_')[0] in LEVELS and re.fullmatch(r'[A-Z0-9_]+', name)}
    missing = sorted(name for name in found - set(names) if not others.fullmatch(name))
    version = version_of_linux(options.c)

    with tap.Checks() as checks:
        checks.check('each row is guarded by its name and has its level',
                     len(rows) > 100 and all(guard == name and
                                             level == LEVELS[name.partition('_')[0]]
                                             for guard, level, name in rows))
        checks.check('no name is both an option for ints and something else',
                     not any(others.fullmatch(name) for name in names))
        known = (0, 0) < version <= COMPARED_WITH
        checks.check(f'the headers of Linux {version[0]}.{version[1]} have no more options',
                     not missing or not known,
                     [f'neither in {options.table.name} nor here: {name}' for name in missing])
        if missing and not known:
            print('#', 'not known yet:', *missing)


if __name__ == '__main__':
    main()
