#!/usr/bin/env bash
# versions.sh [RELEASE...]: `make test-versions`: the labs on other releases of Debian and Ubuntu.
#
# Each release gets a root of its own below build/versions/, made once by debootstrap.  In it this tree is set up by
# `make setup`, and grader/tests/on_release.py grades.  What is mounted is mounted in a mount namespace of its own, which
# ends with the command that runs in it; so do that command's processes.
#
# MIRROR, UBUNTU_MIRROR: where packages come from; by default where this system's apt gets them.
set -eu
export LC_ALL=C.UTF-8
unset CDPATH GREP_OPTIONS POSIXLY_CORRECT
unset -f cd pwd
set +Cf +o posix +o pipefail # whatever SHELLOPTS says
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=$PWD
place=$here/build/versions
keyrings=/usr/share/keyrings

die() {
    echo "rung: $*" >&2
    exit 2
}

# The archive of a distribution (Debian, Ubuntu) that this system's apt uses, or nothing.
archive_of() {
    apt-get indextargets --format "\$(REPO_URI)" "Created-By: Packages" "Origin: $1" "Component: main" 2>/dev/null |
        grep -v -e security -e '^https:' | sed 's:/*$::' | head -n 1
}

# The settings of this system's apt that say how to reach an archive and how old its lists may be.
apt_settings() {
    apt-config dump 2>/dev/null |
        grep -E '^Acquire::(https?::(Proxy|Timeout)|Retries|Check-Valid-Until|Check-Date)' || true
}

# inside ROOT COMMAND...: run a command with this directory as its root, and nothing of this system's but the network.
inside() {
    local root=$1
    shift
    # shellcheck disable=SC2016  # the inner shell's variables
    unshare --mount --propagation private --pid --fork --kill-child bash -euc '
        root=$1
        shift
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mkdir -p "$root/mnt/outside"
        cd "$root"
        pivot_root . mnt/outside
        cd /
        umount -l /mnt/outside
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
    ' bash "$root" "$@"
}

# make_root RELEASE MIRROR KEYRING SCRIPT COMPONENTS: a new root, whole or not at all.
make_root() {
    local release=$1 mirror=$2 keyring=$3 script=$4 components=$5 new=$place/$1.new proxy=''
    [ -e "$keyring" ] || die "$keyring is missing: install the package that has the keys of $release's archive"
    rm -rf "$new"
    mkdir -p "$new"
    eval "$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null || true)"
    [ "$proxy" = DIRECT ] && proxy=''
    echo "$release: a new root from $mirror"
    ${proxy:+env http_proxy="$proxy"} debootstrap --variant=minbase "--components=$components" \
        --include=make,git,ca-certificates "--keyring=$keyring" "$release" "$new" "$mirror" "$script" \
        >"$new.log" 2>&1 </dev/null ||
        die "debootstrap failed: $(tail -n 1 "$new.log") (more in $new.log; MIRROR= names another mirror)"
    apt_settings >"$new/etc/apt/apt.conf.d/50of-the-host"
    mv "$new" "$place/$release"
}

# root_of RELEASE: see to it that build/versions/RELEASE is a root.
root_of() {
    local release=$1 scripts=/usr/share/debootstrap/scripts script keyring mirror
    [ -d "$place/$release" ] && return
    case $release in
    bookworm | trixie | forky | sid)
        script=$scripts/$release
        [ -e "$script" ] || script=$scripts/sid
        mirror=${MIRROR:-$(archive_of Debian)}
        make_root "$release" "${mirror:-http://deb.debian.org/debian}" \
            $keyrings/debian-archive-keyring.gpg "$script" main ;;
    *)
        script=$scripts/$release
        [ -e "$script" ] || script=$scripts/gutsy # what Ubuntu's releases share
        mirror=${UBUNTU_MIRROR:-$(archive_of Ubuntu)}
        keyring=$keyrings/ubuntu-archive-keyring.gpg
        if [ ! -e "$keyring" ]; then
            # Debian 13 has Ubuntu's keys in a package.
            root_of trixie
            keyring=$place/trixie$keyring
            [ -e "$keyring" ] || inside "$place/trixie" sh -c \
                'apt-get update && apt-get install -y --no-install-recommends ubuntu-keyring' \
                >"$place/keys.log" 2>&1 </dev/null || die "no keys for $release: $(tail -n 1 "$place/keys.log")"
        fi
        make_root "$release" "${mirror:-http://archive.ubuntu.com/ubuntu}" "$keyring" "$script" main,universe ;;
    esac
}

# The files of this tree that git knows or would know, without what was built.
put_tree() {
    rm -rf "$1/rung"
    mkdir "$1/rung"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' name; do
            if [ -e "$name" ]; then printf '%s\0' "$name"; fi
        done | tar --null --files-from=- -cf - | tar -C "$1/rung" -xf -
}

[ "$(id -u)" = 0 ] || die "roots of other releases are made by root: sudo make test-versions"
for tool in debootstrap unshare pivot_root git tar; do
    command -v "$tool" >/dev/null || die "$tool is not installed: apt-get install debootstrap util-linux git tar"
done
[ $# != 0 ] || set -- trixie noble
mkdir -p "$place"
status=0
for release in "$@"; do
    [[ $release =~ ^[a-z]+$ ]] || die "RELEASES=$release: names of releases are words in small letters"
    root_of "$release"
    put_tree "$place/$release"
    # shellcheck disable=SC2016  # the inner shell's expansion
    inside "$place/$release" sh -c 'cd /rung && make setup && exec "$(cat build/python)" -m grader.tests.on_release' \
        </dev/null || status=1
done
exit $status
