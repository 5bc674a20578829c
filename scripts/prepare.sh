# Sourced by ./run and ./test: gets ready what both need, a Rust toolchain, a C compiler and PostgreSQL.
# Whatever it is about to change on the machine, it says first.
# shellcheck shell=bash

oldest_postgresql=15

say() { printf '%s\n' "$*" >&2; }
die() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Cargo's tools, also where a fresh rustup has not reached the PATH yet.
need_toolchain() {
    PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    command -v cargo >/dev/null || die "Rust is missing: install it from https://rustup.rs"
    command -v cc >/dev/null ||
        die "A C compiler is missing: install one (Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install)"
}

# Whether user postgres, or nobody, can pass through every folder down to this one.
open_to_all() {
    local folder
    folder=$(cd "$1" && pwd -P) || return 1
    while [ "$folder" != / ]; do
        [ -n "$(find "$folder" -prune -perm -001)" ] || return 1
        folder=$(dirname "$folder")
    done
}

# Where the demonstration keeps its data. PostgreSQL refuses to run as root, so root's data must lie where another user gets to.
choose_data_folder() {
    if [ -z "${PASSPLUS_DATA:-}" ]; then
        PASSPLUS_DATA=$PWD/.passplus
        if [ "$(id -u)" = 0 ] && ! open_to_all "$PWD"; then
            PASSPLUS_DATA=/var/lib/passplus
            say "$PWD is closed to other users and PostgreSQL does not run as root: the data go to $PASSPLUS_DATA."
        fi
    fi
    export PASSPLUS_DATA
}

# Whether the folder holds a server that is new enough. `initdb` may be a link to its siblings.
serves() {
    local bin version
    bin=$(readlink -f "$1/initdb" 2>/dev/null) && bin=${bin%/*} && [ -x "$bin/postgres" ] && [ -x "$bin/pg_ctl" ] || return 1
    version=$("$bin/postgres" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge "$oldest_postgresql" ]
}

# The same places, in short, as the service looks at (src/embedded/programs.rs).
have_postgresql() {
    local folder
    if [ -n "${PASSPLUS_PG_BIN:-}" ]; then
        serves "$PASSPLUS_PG_BIN" || die "PASSPLUS_PG_BIN=$PASSPLUS_PG_BIN holds no PostgreSQL $oldest_postgresql or newer."
        return
    fi
    while IFS= read -r -d: folder; do
        serves "$folder" && return
    done <<<"$PATH:"
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
        /home/linuxbrew/.linuxbrew/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin; do
        serves "$folder" && return
    done
    return 1
}

# PostgreSQL's packages unpacked in a folder of our own. The service finds the libraries beside the programs by itself.
have_unpacked_postgresql() {
    local bin libraries
    libraries=$(printf '%s:' "$1"/usr/lib/*-linux-*/ "$1"/lib/*-linux-*/)
    for bin in "$1"/usr/lib/postgresql/*/bin; do
        if LD_LIBRARY_PATH=$libraries serves "$bin"; then
            export PASSPLUS_PG_HOME=$1
            return
        fi
    done
    return 1
}

# The major version that the distribution's package `postgresql` stands for.
offered_postgresql() { apt-cache "$@" show --no-all-versions postgresql 2>/dev/null | sed -n 's/^Depends:.*postgresql-\([0-9][0-9]*\).*/\1/p'; }

need_new_enough() {
    [ "${1:-0}" -ge "$oldest_postgresql" ] ||
        die "PostgreSQL $oldest_postgresql or newer is needed and this system's packages offer ${1:-none}: see https://www.postgresql.org/download/linux/"
}

install_postgresql() {
    local settings=/etc/postgresql-common/createcluster.d ours output
    ours=$settings/passplus-no-main-cluster.conf
    say "PostgreSQL is missing. Installing the system's package postgresql (apt-get update, apt-get install);"
    say "no server of the system is made or started by that."
    apt-get -qq update || die "apt-get update failed."
    need_new_enough "$(offered_postgresql)"
    mkdir -p "$settings"
    # shellcheck disable=SC2064
    trap "rm -f $ours; rmdir --ignore-fail-on-non-empty $settings" EXIT
    echo 'create_main_cluster = false' >"$ours"
    output=$(DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends postgresql </dev/null 2>&1) ||
        die "$output" "apt-get install postgresql failed."
    rm -f "$ours" && rmdir --ignore-fail-on-non-empty "$settings"
    trap - EXIT
}

# Without the right to install: the packages that apt would install, fetched and unpacked in a folder, with apt's lists beside.
unpack_postgresql() {
    local home=$1 major packages apt
    say "PostgreSQL is missing. Fetching the system's packages of it (apt-get download) and unpacking them into"
    say "$home; nothing is installed."
    mkdir -p "$home/apt/lists/partial" "$home/apt/cache/archives/partial" "$home/apt/packages"
    apt=(-qq -o "Dir::State=$home/apt" -o Dir::State::status=/var/lib/dpkg/status -o "Dir::Cache=$home/apt/cache")
    apt-get "${apt[@]}" update || die "apt-get update failed."
    major=$(offered_postgresql "${apt[@]}")
    need_new_enough "$major"
    # Of what is missing, a server of our own needs the libraries, not Perl, the compiler of its queries or the system's scripts.
    packages=$(apt-get "${apt[@]}" -s install --no-install-recommends "postgresql-$major" </dev/null |
        awk '$1 == "Inst" && $2 ~ /^(postgresql-(client-)?[0-9]+|lib.*)$/ && $2 !~ /^lib(llvm|perl|json-perl|.*-perl$)/ { print $2 }')
    [ -n "$packages" ] || die "apt does not say which packages PostgreSQL $major consists of."
    # shellcheck disable=SC2086
    (cd "$home/apt/packages" && apt-get "${apt[@]}" download $packages) || die "apt-get download failed."
    for package in "$home"/apt/packages/*.deb; do
        dpkg-deb -x "$package" "$home" || die "$package does not unpack."
    done
    rm -rf "$home/apt"
}

need_postgresql() {
    local home=${PASSPLUS_PG_HOME:-${PASSPLUS_DATA:-$PWD/.passplus}/pg}
    have_postgresql || have_unpacked_postgresql "$home" && return
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        die "PostgreSQL $oldest_postgresql or newer is missing: install it (macOS: brew install postgresql@17; Fedora: dnf install postgresql-server; Arch: pacman -S postgresql)"
    fi
    if [ "$(id -u)" = 0 ]; then
        install_postgresql
    else
        unpack_postgresql "$home"
    fi
    have_postgresql || have_unpacked_postgresql "$home" || die "PostgreSQL was fetched and still does not answer: install it by hand."
}
