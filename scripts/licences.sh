#!/usr/bin/env bash
# Fails on a dependency whose licence deny.toml does not allow, that it bans, or that comes from elsewhere than the default registry.
# The same lists as `cargo deny check licenses bans sources` reads, with nothing to install.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=()
while IFS= read -r target; do
    targets+=(--target "$target")
done < <(grep '^targets = ' deny.toml | grep -o '"[^"]*"' | tr -d '"')

default=$(grep -m1 '^source = "registry+' Cargo.lock)
foreign=$(grep '^source = ' Cargo.lock | grep -vxF "$default" || true)
if [ -n "$foreign" ]; then
    printf 'not from the default registry: %s\n' "$foreign" >&2
    exit 1
fi

cargo tree --locked "${targets[@]}" --edges normal,build,dev --prefix none --no-dedupe --format '{p}|{l}' | sort -u | awk -F'|' '
    # Of deny.toml, what stands in quotes in the two lists.
    FNR == NR {
        if (/^[a-z]+ = \[$/) list = $1
        if (/^\]/) list = ""
        if (list == "allow = [" && match($0, /"[^"]+"/)) allowed[substr($0, RSTART + 1, RLENGTH - 2)] = 1
        if (list == "deny = [" && match($0, /crate = "[^"]+"/)) banned[substr($0, RSTART + 9, RLENGTH - 10)] = 1
        next
    }
    # An expression without parentheses: 1 where one alternative holds entirely.
    function holds(expression,    any, all, i, j, n, m, ok) {
        n = split(expression, any, / OR |\//)
        for (i = 1; i <= n; i++) {
            m = split(any[i], all, / AND /)
            ok = 1
            for (j = 1; j <= m; j++) {
                gsub(/^ +| +$/, "", all[j])
                if (all[j] != "1" && !(all[j] in allowed)) ok = 0
            }
            if (ok) return "1"
        }
        return "0"
    }
    # A package of our own carries its path; groups are set apart by an empty line.
    NF == 0 || $1 ~ / \(\// { next }
    {
        crates++
        split($1, name, " ")
        if (name[1] in banned) { print "banned: " $1; failed = 1 }
        expression = $2
        while (match(expression, /\([^()]*\)/))
            expression = substr(expression, 1, RSTART - 1) holds(substr(expression, RSTART + 1, RLENGTH - 2)) \
                substr(expression, RSTART + RLENGTH)
        if (holds(expression) != "1") { print "licence not allowed: " $1 ": " ($2 == "" ? "none stated" : $2); failed = 1 }
    }
    END {
        if (!crates || !("MIT" in allowed)) { print "nothing was checked"; failed = 1 }
        if (!failed) print crates " crates: licences allowed, none banned, all from one registry"
        exit failed
    }
' deny.toml - >&2
