# Sourced by tests/run and tests/quickstart: installs what a Debian 12 machine lacks, and finds an ordinary user when root runs them.
# shellcheck shell=sh

# What building takes.
# shellcheck disable=SC2034 # used by those who source this
build_packages='gcc libc6-dev meson ninja-build pkg-config libevent-dev libjansson-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev
    liblinear-dev libsystemd-dev zlib1g-dev libcrypt-dev libmd-dev scdoc python3 procps util-linux'

# What the tests of the status page take: half a gigabyte, and apart, so that where it cannot be had only these tests are skipped.
# shellcheck disable=SC2034 # used by those who source this
browser_packages='chromium chromium-driver python3-selenium'

# Prints those of the packages that are not installed.
missing_packages() {
    for package in "$@"; do
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        *' installed') ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# Installs packages by name. Needs root, or a sudo that asks nothing, only when some are missing.
install_packages() {
    command -v dpkg-query >/dev/null || {
        echo "This is not Debian: make sure that these are here by other means: $*" >&2
        return 0
    }
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "These packages are missing and installing them needs root: $missing" >&2
        echo "As root: apt-get install --no-install-recommends $missing" >&2
        return 1
    fi
    echo "Installing $missing"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >/dev/null || echo "apt-get update failed; going on with what is known" >&2
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing >/dev/null
}

# Meson takes ccache where it is installed, and a user without a home has no place for it.
if [ -z "${CCACHE_DIR:-}" ]; then
    CCACHE_DISABLE=1
    export CCACHE_DISABLE
fi

# Becomes the command as $1, an ordinary user, with nothing of root's left; `-` stays whom we are.
become() {
    become_user=$1
    shift
    if [ "$become_user" = - ]; then
        exec "$@"
    else
        exec setpriv --reuid "$become_user" --regid "$(id -g "$become_user")" --clear-groups --inh-caps=-all --no-new-privs \
            env -u SUDO_USER HOME=/nonexistent USER="$become_user" LOGNAME="$become_user" "$@"
    fi
}

as_user() (
    become "$@"
)

# The user that root becomes for everything that needs no root: PostgreSQL refuses root, and root may read everything.
ordinary_user() {
    if [ "$(id -u)" = 0 ]; then echo nobody; else echo -; fi
}
