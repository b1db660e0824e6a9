#!/bin/sh
# Makes the bad plugins that no compiler makes, from good.so in the folder given.
set -eu
cd "$1"
rm -f not_elf.so truncated.so thirty_two_bit.so world_writable.so
printf 'just text, whatever its name says\n' > not_elf.so
head -c 4096 good.so > truncated.so
# The header of a 32-bit shared object: class 1, machine 3 (i386).
printf '\177ELF\001\001\001\000\000\000\000\000\000\000\000\000\003\000\003\000\001\000\000\000' > thirty_two_bit.so
head -c 28 /dev/zero >> thirty_two_bit.so
cp good.so world_writable.so
chmod 0666 world_writable.so
chmod go-w not_elf.so truncated.so thirty_two_bit.so
