
# NVIDIA's archives accept their own options anywhere among those of the installer. All other options are the installer's.
version_string=@VERSION@
ms_first=''
ms_left=$#
while test $ms_left -gt 0
do
    ms_arg="$1"
    shift
    ms_left=`expr $ms_left - 1`
    case "$ms_arg" in
    --check | --info | --list | --lsm)
        ms_first="$ms_arg" ;;
    -x | --extract-only)
        script=''
        keep=y ;;
    --keep)
        keep=y ;;
    --target=*)
        keep=y
        targetdir="${ms_arg#*=}" ;;
    --tmpdir=*)
        TMPROOT="${ms_arg#*=}"
        set -- "$@" "$ms_arg" ;;
    --target | --tmpdir)
        if test $ms_left = 0; then
            echo "$ms_arg needs a directory." >&2
            exit 1
        fi
        if test "$ms_arg" = --target; then
            keep=y
            targetdir="$1"
        else
            TMPROOT="$1"
            set -- "$@" "--tmpdir=$1"
        fi
        shift
        ms_left=`expr $ms_left - 1` ;;
    --)
        while test $ms_left -gt 0; do
            set -- "$@" "$1"
            shift
            ms_left=`expr $ms_left - 1`
        done ;;
    *)
        set -- "$@" "$ms_arg" ;;
    esac
done
set -- $ms_first -- "$@"

