#!/bin/sh
# Any command of Parley with the settings of one account: run-voicechat.sh [NAME [COMMAND ...]], else: run-voicechat.sh voicechat run
#
# The settings are in ~/.config/parley/NAME/.env (PARLEY_SETTINGS names another folder than ~/.config/parley). Before `run` whatever is
# missing is set up: packages, models.
set -eu

give_up() {
    printf '❌ %s\n' "$*" >&2
    exit 78
}

name=${1:-voicechat}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- run
case $name in
"" | *[!A-Za-z0-9_-]*) give_up "'$name' is no name for an account: letters, digits, - and _ only." ;;
esac

root=$(dirname "$(dirname "$(readlink -f "$0")")")
settings=${PARLEY_SETTINGS:-${XDG_CONFIG_HOME:-$HOME/.config}/parley}
cd "$settings/$name" 2>/dev/null || give_up "There is no folder $settings/$name. Make it with: $root/deploy/install.sh $name"
if [ "$1" = run ]; then
    "$root/scripts/bot" engines fetch --all-needed
fi
exec "$root/scripts/bot" "$@"
