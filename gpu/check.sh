#!/bin/sh
# Checks and measures the GPU of a machine, and prints one table.
#
#   gpu/check.sh build DIR   on a machine with Rust: puts what is needed into DIR, less than 50 MB
#   DIR/check.sh             on the machine with the GPU, which needs neither Rust nor a network; where its python3, or $PYTHON,
#                            has torch, also checks the engine `torch`
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

if [ "${1:-}" = build ]; then
    mkdir -p "${2:?usage: gpu/check.sh build DIR}"
    into=$(cd "$2" && pwd)
    cd "$here/.."
    cargo build --release --package bfc-runtime --example gpu_check
    cp "${CARGO_TARGET_DIR:-target}/release/examples/gpu_check" gpu/check.sh gpu/check_torch.py "$into/"
    strip "$into/gpu_check"
    "$python" -m pip install --quiet --no-deps --upgrade --target "$into/python" .
    du -sh "$into"
    exit
fi

date -u '+%Y-%m-%d %H:%M UTC'
if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L >/dev/null 2>&1; then
    # A driver without its tools is found by the program.
    echo "nvidia-smi finds no GPU"
else
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
fi
uname -sr
# Several ranks on one GPU, and few blocks for each: exhausted multiprocessors hang.
export NCCL_MULTI_RANK_GPU_ENABLE=1 NCCL_MAX_CTAS=2
status=0
timeout 180 "$here/gpu_check" || status=$?
if [ $status -ne 0 ]; then
    case $status in
    2) echo "skipped: this machine has no GPU that can be used" ;;
    124) echo "FAILED: not done after 3 minutes" ;;
    *) echo "FAILED" ;;
    esac
    exit $status
fi
if "$python" -c 'import torch' 2>/dev/null; then
    PYTHONPATH="$here/python" timeout 120 "$python" "$here/check_torch.py" || status=$?
    if [ $status -ne 0 ]; then
        [ $status -eq 124 ] && echo "FAILED: torch was not done after 2 minutes" || echo "FAILED"
        exit $status
    fi
else
    echo "torch: skipped, $python does not have it"
fi
echo "all checks passed"
