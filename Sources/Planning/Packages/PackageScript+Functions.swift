extension PackageScript {
    /// The begin of every script: its arguments, and the functions that all package managers share.
    static let prologue = #"""
        set -u
        export LC_ALL=C HOME=/root
        kernel=$1 patience=$2 record=$3 headers=$4
        shift 4
        work=$(mktemp -d) || { echo "ERROR: mktemp cannot create a directory in ${TMPDIR:-/tmp}."; exit 80; }

        now() { read -r up _ </proc/uptime; echo "${up%.*}"; }
        start=$(now) status=0

        # What was released for this install is held again, however the script ends.
        released=
        hold_again() {
            again=$released released=
            for package in $again; do (! is_installed "$package" || hold "$package") || :; done
        }
        trap 'hold_again; rm -rf "$work"' EXIT
        # dash ends at a signal without the trap above. A package manager that is about to end has its lock for a moment.
        trap 'patience=$(($(now) - start + 10)); exit 143' HUP INT TERM

        # fail STATUS TEXT: the text becomes the finding.
        fail() {
            hold_again
            echo "ERROR: $2"
            exit "$1"
        }

        # The names of a list as an enumeration.
        listed() { echo "$@" | sed 's/ /, /g'; }

        # The words with which a package manager begins an error of its own kind: |WORD…
        more_complaints=
        # The last lines of a program's output that tell an error, or else its last line, in one line.
        complaint() {
            case $status in
            124 | 137)
                echo 'it did not end in time'
                return
                ;;
            esac
            lines=$(grep -E "^(E: |Error|error: |dpkg: error|Problem| [^ ]* : Depends: $more_complaints)" "$work/output" |
                grep -v -e 'Some index files failed' -e '^>>> Already downloaded' | uniq | tail -n 3)
            [ -n "$lines" ] || lines=$(tail -n 1 "$work/output")
            echo $lines | cut -c 1-600
        }

        # Prints the process, when it runs.
        process() {
            read -r name 2>/dev/null <"/proc/$1/comm" || return 1
            line=$(tr '\0' ' ' <"/proc/$1/cmdline" | sed 's/ *$//' | cut -c 1-120)
            echo "process $1 (${line:-$name})"
        }

        # Prints who holds a lock of the package manager; fails when nobody does. The kernel lists the locks by their
        # inodes, and a process that holds a lock has the file open. dnf and zypper write their process ID instead.
        holder() {
            for file in $pid_files; do
                pid=
                read -r pid _ 2>/dev/null <"$file"
                case $pid in '' | *[!0-9]*) continue ;; esac
                if who=$(process "$pid"); then
                    echo "$who holds $file"
                    return 0
                fi
            done
            for file in $locks; do
                [ -e "$file" ] || continue
                inode=$(stat -L -c %i "$file") || continue
                pids=$(sed -n "s/^[0-9]*: *[A-Z]* .* \([0-9]*\) [0-9a-f]*:[0-9a-f]*:$inode .*/\1/p" /proc/locks)
                for pid in $pids; do
                    for open in "/proc/$pid/fd"/*; do
                        if [ "$open" -ef "$file" ] && who=$(process "$pid"); then
                            echo "$who holds $file"
                            return 0
                        fi
                    done
                done
            done
            return 1
        }

        # Waits until nobody holds a lock of the package manager.
        wait_for_lock() {
            told=
            while who=$(holder); do
                [ $(($(now) - start)) -lt "$patience" ] || fail 81 "After $patience seconds, $who."
                [ "$who" = "$told" ] || echo "waiting for the package manager: $who"
                told=$who
                sleep 1
            done
        }

        # Whether the command failed because another process had the lock.
        met_lock() { grep -qE "$lock_message" "$work/output"; }

        # Runs a command, and again while another process takes the lock after the wait. Its output is in a file.
        quietly() {
            while :; do
                wait_for_lock
                "$@" >"$work/output" 2>&1
                status=$?
                [ "$status" != 0 ] && met_lock || return "$status"
                [ $(($(now) - start)) -lt "$patience" ] || {
                    # Its name says more than the message of the package manager.
                    wait_for_lock
                    line=$(grep -m 1 -E "$lock_message" "$work/output")
                    fail 81 "After $patience seconds: ${line:-$program still waits for its lock.}"
                }
                sleep 1
            done
        }

        # The same, and prints the output.
        locked() {
            quietly "$@"
            cat "$work/output"
            return "$status"
        }

        # Whether there is an index after a refresh that failed. A package manager can know better.
        has_index() { false; }
        # How many seconds a refresh may take. Most of an index is usually there.
        refresh_limit=43

        # Ends a program that asks the network and gets no answer. zypper does not end at the first signal.
        limited() { timeout -k 2 "$@"; }

        # Notes lines in the record, on the disk, before the host changes.
        note() {
            { cat "$record" 2>/dev/null; cat; } | sort -u >"$record.new" && sync "$record.new" &&
                mv "$record.new" "$record" && sync "$record"
        }

        # The names of one kind of line in the record.
        noted() { sed -n "s/^$1 //p" "$record" 2>/dev/null; }

        # Stops when a server did not have a package: the words of apt-get, dnf, tdnf and zypper.
        stop_without_file() {
            # dnf tries the next mirror after such an answer.
            if grep -qE '^(\[MIRROR\]|>>> )' "$work/output" && ! grep -qE 'No more mirrors to try|^\[FAILED\]' "$work/output"; then
                return 0
            fi
            line=$(grep -m 1 -E 'Failed to fetch .*( 404 |File not found)|Status code: 404|404 when downloading' \
                "$work/output" || grep -m 1 'not found on medium' "$work/output") || return 0
            fail 85 "A repository does not have a file that its index names: $(echo $line | cut -c 1-400). $refreshed"
        }

        # Stops when DKMS could not build a module of the node for the new headers, so that the script of their package
        # failed. Such a module can be left from an earlier driver.
        stop_for_dkms() {
            [ -n "$headers" ] && grep -qE 'during autoinstall|header_postinst\.d/dkms' "$work/output" || return 0
            trees=$(sed -nE 's,.*/var/lib/dkms/([^/ ]*/[^/ ]*)/(build/make\.log|source/dkms\.conf).*,\1,p' \
                "$work/output" | sort -u)
            choice=
            [ -n "$trees" ] || choice='one of ' trees=$(dkms status 2>/dev/null | sed 's/[,:] .*//' | sort -u)
            fail 86 "DKMS cannot build $choice$(listed $trees) for the kernel $kernel, so $headers cannot be configured."
        }

        # Further packages that the package manager holds.
        also_held() { :; }

        # The file that a package manager makes for the first lock, and leaves without a lock. With the note, it goes after the
        # last lock of this agent, when nobody else has one in it. Several records can need it.
        locks_file() { :; }
        note_locks_file() {
            file=$(locks_file)
            [ -n "$file" ] && [ -n "$(noted hold)" ] || return 0
            if [ ! -e "$file" ] || grep -qsxF "made $file" "${record%/*}"/*; then echo "made $file" | note; fi
        }
        has_locks() { grep -qsvE '^(#.*|packages = \[\]|version = .*|)$' "$1"; }

        # Removes lines from the record: forget KIND NAME.
        forget() {
            grep -vxF "$1 $2" "$record" >"$record.new"
            [ $? -le 1 ] && mv "$record.new" "$record"
        }
        """#
}
