#!/bin/sh
# Installs Parley for this user, without root: install.sh [NAME]. install.sh --uninstall takes all of it away but settings and data.
#
# ~/.local/lib/parley                  a link to this folder
# ~/.local/bin/run-voicechat.sh        a link to the command
# ~/.config/systemd/user/              the unit telegram-voicechat@.service
# ~/.config/parley/NAME/.env           the settings of the account NAME (voicechat, when none is named); nothing is written over
set -eu
umask 077

root=$(dirname "$(dirname "$(readlink -f "$0")")")
config=${XDG_CONFIG_HOME:-$HOME/.config}
library=$HOME/.local/lib/parley
command=$HOME/.local/bin/run-voicechat.sh
unit=$config/systemd/user/telegram-voicechat@.service

give_up() {
    printf '❌ %s\n' "$*" >&2
    exit 78
}

# Links $1 to $2, unless something else of the user's is there.
link() {
    [ ! -e "$1" ] || [ -L "$1" ] || give_up "$1 is there and is no link. Move it away first."
    mkdir -p "$(dirname "$1")"
    ln -sfn "$2" "$1"
}

reload() {
    systemctl --user daemon-reload 2>/dev/null || true
}

uninstall() {
    rm -f "$unit"
    for each in "$library" "$command"; do
        [ ! -L "$each" ] || rm "$each"
    done
    reload
    echo "✅ Uninstalled. Settings ($config/parley), data (~/.local/share/parley) and models (~/.cache/parley) are still there."
}

# The first account has the usual places to itself; each other one gets its own.
settings_of() {
    echo "# The settings of Parley's account $1; $root/.env.example lists all of them."
    echo "API_ID="
    echo "API_HASH="
    if [ "$1" != voicechat ]; then
        echo "SESSION_NAME=$1"
        echo "DATA_DIR=~/.local/share/parley/$1"
        echo "CONTROL_SOCKET=~/.local/share/parley/$1/telegram-voicechat.sock"
    fi
}

install_for() {
    "$root/scripts/bot" --help >/dev/null # sets the packages up
    link "$library" "$root"
    link "$command" "$library/deploy/run-voicechat.sh"
    mkdir -p "$(dirname "$unit")" "$config/parley/$1"
    cp "$root/deploy/systemd/user/telegram-voicechat@.service" "$unit"
    [ -e "$config/parley/$1/.env" ] || settings_of "$1" >"$config/parley/$1/.env"
    reload
    cat <<NEXT
✅ Parley is installed. What is left to do:
   1. Write API_ID and API_HASH (from my.telegram.org/apps) into $config/parley/$1/.env
   2. $command $1 login
   3. $command $1 doctor
   4. systemctl --user enable --now telegram-voicechat@$1
   5. loginctl enable-linger          so that it runs while you are not logged in
   It writes its log to the journal: journalctl --user -fu telegram-voicechat@$1
NEXT
}

case ${1:-voicechat} in
--uninstall) uninstall ;;
"" | *[!A-Za-z0-9_-]* | -*) give_up "Usage: install.sh [NAME] or install.sh --uninstall; a name has letters, digits, - and _ only." ;;
*) install_for "${1:-voicechat}" ;;
esac
