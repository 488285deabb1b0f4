#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Make a mutant of the reference, for the Kbuild beside this file:
#
#	mutate.sh SOURCE-FOLDER PATCH OUTPUT_world.c
#
# Copies the driver into the folder OUTPUT, applies the patch there, and writes the world
# that includes the result. A patch that does not apply exactly ends the build.

set -eu

src=$1
patch=$2
out=$3
dir=${out%_world.c}
name=${dir##*/}

command -v patch >/dev/null || {
	echo "mutants: the program 'patch' is missing; install the package of that name." >&2
	exit 1
}

rm -rf "$dir"
mkdir -p "$dir"
cp "$src"/notebook*.[ch] "$dir"
if ! patch --strip=3 --fuzz=0 --no-backup-if-mismatch --directory="$dir" \
	--input="$(realpath "$patch")" >"$dir/patch.log" 2>&1; then
	sed 's/^/mutants: /' "$dir/patch.log" >&2
	echo "mutants: ${patch##*/} no longer applies to the reference in tests/mutants;" \
	     "make the patch anew, or drop it if its mistake cannot be made any more." >&2
	exit 1
fi

case ${patch##*/} in
??-sdk-*) sdk='#define NOTEBOOK_SDK' ;;
*) sdk='' ;;
esac
cat >"$out" <<END
// SPDX-License-Identifier: GPL-2.0
/* Written by mutate.sh from ${patch##*/}. */
$sdk
#include <luokit_world.h>
#include "$name/notebook_world.h"

LUOKIT_WORLD(${name}_world, .private = &notebook_way);
END
