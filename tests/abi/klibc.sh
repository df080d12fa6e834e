# SPDX-License-Identifier: MIT
# The programs of klibc-utils, which are loaded by an interpreter; the shell is klibc's, too.
PATH=/klibc
export PATH
# The order of a directory is each kernel's own, and klibc has no sort.
sort() { /bin/busybox sort; }
set -- one two 'three four'
echo $# "$3" $0
true && echo true; false || echo false
for i in 1 2 3; do echo "turn $i"; done
case word in w*) echo matched ;; *) echo not ;; esac
i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i
f() { echo "function $1"; return 3; }
f x; echo $?
echo "$(echo inner "$(echo deep)")"
x=value; echo ${x:-no} ${y:-default} ${x#va} ${x%ue}
test -d /klibc && echo a directory
trap 'echo trapped' USR1; kill -USR1 $$; trap - USR1
(exit 7); echo $?
sh -c 'echo $0 $1' name argument
sh -c 'kill -9 $$'; echo $?
sh -c 'exit 5' & wait $!; echo $?
read -r line < /etc/klibc.sh; echo "$line"
umask 077; umask; umask 022
echo text > a; cat a; cat a a; cat - < a
cat missing; echo $?
cat > here << END
a here document of $x
END
cat here
mkdir d d/e; mkdir d; echo $?
mkdir -p p/q/r; ls p | sort
mkdir -m 700 private; ls -n private; echo $?
mv a d/b; cat d/b; mv nothing d; echo $?
ln d/b hard; ln -s d/b soft; cat hard soft
readlink soft; readlink hard; echo $?
ls d | sort
mkfifo pipe; cat here > pipe & cat pipe; wait
mknod null c 1 3; echo gone > null; cat null
mknod bad z 1 3; echo $?
dd if=/dev/zero of=zeros bs=1024 count=4 2> /dev/null; echo $?
dd if=here of=part bs=1 skip=2 count=4 2> /dev/null; cat part; echo
cat here | dd of=copied 2> /dev/null; cat copied
cat here here here here > four; gzip four; ls four.gz; zcat four.gz
gunzip four.gz; cat four
gzip -c four | gunzip -c
echo d > list; echo d/b >> list; echo soft >> list
cat list | cpio -o -H newc > archive 2> /dev/null; echo $?
mkdir out; cd out; cpio -i < ../archive 2> /dev/null; echo $?; ls | sort; cat d/b; cd ..
uname -s; uname -m
sleep 0; echo $?
sync; echo $?
mkdir m; mount -t tmpfs t m; echo $?; echo in > m/in; cat m/in
mount -o bind d m; ls m | sort; umount m; ls m | sort; umount m; ls m | sort
umount m; echo $?
mount -t nothing t m; echo $?
fstype < zeros
mkdir root; cat /klibc/true > root/true; chroot root /true; echo $?
chroot nowhere /true; echo $?
nuke root; ls root | sort
kill 999999; echo $?
sh -c 'cat /proc/self/stat' | { read -r pid comm rest; echo "$comm"; }
/klibc/nowhere; echo $?
/etc; echo $?
exec cat here
