#!/usr/bin/env bash
# Installs what is missing: system packages (apt, as root), web assets (npm), Python packages (pip, into .venv).
# Usage: tools/setup.sh run|dev.  A second call with nothing changed takes well under a second.
set -euo pipefail
cd "$(dirname "$0")/.."
mode="${1:-run}"
say() { printf '\033[1m[setup]\033[0m %s\n' "$*" >&2; }

stamp=".venv/.toile-$mode"
want="$(cat tools/setup.sh requirements.lock pyproject.toml web/package-lock.json 2>/dev/null | sha256sum | cut -c1-64) $(pwd -P)"
if [ -x .venv/bin/toile ] && [ -f engine/app/static/vendor/model-viewer.min.js ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
  exit 0
fi

# --- system packages
need=()
libraries="$(ldconfig -p 2>/dev/null || true)"
lib() { case "$libraries" in *"$1"*) ;; *) need+=("$2") ;; esac; }
lib libGL.so.1 libgl1
lib libglib-2.0.so.0 libglib2.0-0
lib libEGL.so.1 libegl1
lib libEGL_mesa.so.0 libegl-mesa0
lib libgomp.so.1 libgomp1
lib libX11.so.6 libx11-6
[ -n "$(find / -xdev -name 'swrast_dri.so' -path '*dri*' -print -quit 2>/dev/null)" ] || need+=(libgl1-mesa-dri)
python="$(command -v python3.11 || command -v python3 || true)"
[ -n "$python" ] || { need+=(python3 python3-venv); python=python3; }
if command -v "$python" >/dev/null && ! "$python" -c 'import ensurepip' 2>/dev/null; then need+=(python3-venv); fi
command -v node >/dev/null || need+=(nodejs)
command -v npm >/dev/null || need+=(npm)
if [ "$mode" = dev ]; then
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || need+=(chromium)
fi
if [ ${#need[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "apt: ${need[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
  else
    say "missing on this system: ${need[*]} (Debian names). Install them; on Debian or Ubuntu: sudo apt-get install ${need[*]}"
    command -v "$python" >/dev/null || exit 1
  fi
fi

# --- Python
if [ ! -x .venv/bin/python ] || [ "$(cat .venv/.toile-root 2>/dev/null)" != "$(pwd -P)" ]; then
  say "virtual environment in .venv"
  rm -rf .venv
  "$python" -m venv .venv
  pwd -P > .venv/.toile-root
fi
say "Python packages from requirements.lock (a few minutes the first time)"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
.venv/bin/python -m pip install -q -c requirements.lock setuptools 2> >(grep -v '^WARNING: Location' >&2)
if [ "$mode" = dev ] || [ -f .venv/.toile-dev ]; then target='.[dev]'; else target='.'; fi
.venv/bin/python -m pip install -q -c requirements.lock --no-build-isolation -e "$target" 2> >(grep -v '^WARNING: Location' >&2)

# --- web assets
if [ -f web/package-lock.json ]; then
  if command -v npm >/dev/null; then
    say "web assets from npm"
    (cd web && npm ci --silent --no-audit --no-fund && npm run --silent bundle)
  else
    say "npm is missing: toile view and the glTF validator will not work"
  fi
fi

# --- compiled simulation kernels
if .venv/bin/toile warm --help >/dev/null 2>&1; then
  say "compiling the simulation kernels (once)"
  .venv/bin/toile warm || say "the kernels could not be compiled now; the first drape will do it"
fi
printf '%s' "$want" > "$stamp"
if [ "$mode" = dev ]; then printf '%s' "$want" > .venv/.toile-run; fi
say "ready"
