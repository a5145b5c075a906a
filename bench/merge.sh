#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# merge.sh BUILD [--json]: make trace directories, and put the events of all
# their lanes into the order of time.

set -euo pipefail

build=$(realpath "$1")
shift

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$build/bench/merge" "$scratch" "$@"
