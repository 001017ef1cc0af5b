# What tools/demo and tools/test share: finding and installing packages, configuring, building.
#
# Why it is here: both commands promise to work on a fresh Debian 12 from a clean clone, and must
# agree on how. It refuses to guess: when something is missing that it cannot install, it stops and
# names what to install.
#
# Sourced by bash with `set -euo pipefail`. Messages go to standard error, so that the output of the
# program that tools/demo ends in stays clean.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
logs=$root/build/logs

say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# One job per processor, but no more than one per GB of free memory: a compiler takes that much.
default_jobs() {
    local processors memory
    processors=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1000000) }' /proc/meminfo)
    ((memory >= 1)) || memory=1
    echo $((processors < memory ? processors : memory))
}

# missing_packages GROUP...: the packages of these groups that are not installed, one per line.
missing_packages() {
    local group package rest
    while read -r group package rest; do
        [[ " $* " == *" $group "* ]] || continue
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>&1) == installed ]] ||
            echo "$package"
    done <"$root/tools/packages.txt"
}

# need_packages GROUP...: installs what is missing, or stops and names it.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "This is not Debian: the libraries named in tools/packages.txt must be here already"
        return
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0

    local by_hand="as root: apt-get update && apt-get install ${missing[*]}"
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            die "packages are missing, and this is neither root nor is there sudo. Run $by_hand"
        as_root=(sudo)
        [[ -t 0 ]] || as_root+=(--non-interactive)
    fi
    say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    local log=$logs/packages.log
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q
        -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2)
    # The answer of `update` is not checked: one unreachable source does not spoil the others, and
    # `install` tells whether the packages could be had.
    "${apt[@]}" update >"$log" 2>&1 || true
    if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null
    then
        tail -n 12 "$log" >&2
        die "the packages could not be installed (no network? no permission?). Run $by_hand"
    fi
}

# configure DIRECTORY [OPTION...]: `meson setup`, only if it is not configured like this already.
# With no options, any configuration that is there will do.
configure() {
    local directory=$1
    shift
    local log=$logs/setup-${directory##*/}.log
    # What the directory was configured for: this place (a moved tree must start again) and options.
    local wanted="$root|$*" stamp=$directory/configured-for have='' mode=()
    [[ -f $stamp ]] && have=$(<"$stamp")
    if [[ -f $directory/meson-private/coredata.dat ]]; then
        [[ $have == "$wanted" ]] && return
        [[ -z $* && (-z $have || ${have%%|*} == "$root") ]] && return
        mode=(--reconfigure)
        [[ -n $have && ${have%%|*} != "$root" ]] && mode=(--wipe)
    fi
    say "Configuring ${directory#"$root"/}"
    if ! meson setup "${mode[@]}" "$@" "$directory" "$root" >"$log" 2>&1 </dev/null; then
        mkdir -p "$logs" # --wipe empties build/
        tail -n 12 "$log" >&2 || true
        die "meson could not configure ${directory#"$root"/}; to start afresh, remove it"
    fi
    mkdir -p "$logs" && [[ -w $root/build && -w $logs ]] ||
    die "$root/build cannot be written to; if another user built it, remove it"
    printf '%s' "$wanted" >"$stamp"
}

# build DIRECTORY JOBS [TARGET...]: compiles. A terminal sees ninja's progress; otherwise only the
# failures and warnings are shown.
build() {
    local directory=$1 jobs=$2
    shift 2
    local log=$logs/build-${directory##*/}.log
    local note=''
    [[ -f $directory/.ninja_log ]] || note=' for the first time, which takes minutes'
    say "Building ${directory#"$root"/}$note"
    if [[ -t 2 ]]; then
        ninja -C "$directory" -j "$jobs" "$@" </dev/null >&2
        return
    fi
    if ! ninja -C "$directory" -j "$jobs" "$@" </dev/null >"$log" 2>&1; then
        grep -E -A 12 '^FAILED:|error:' "$log" | head -n 80 >&2 || true
        say "The build failed; all of it is in ${log#"$root"/}"
        return 1
    fi
    grep -A 6 'warning:' "$log" >&2 || true
}

mkdir -p "$logs" && [[ -w $root/build && -w $logs ]] ||
    die "$root/build cannot be written to; if another user built it, remove it"
