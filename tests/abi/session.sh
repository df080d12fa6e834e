# SPDX-License-Identifier: MIT
# A session as a person types it, in busybox' shell; its output is compared with Linux's.
for applet in $(/bin/busybox --list); do
	[ -e /bin/$applet ] || /bin/busybox ln -s busybox /bin/$applet
done
# Files.
pwd
echo one > a; echo two >> a; cat a
wc a
cp a b; cmp a b && echo same
mv b c; ls
ln c d; ln -s c e; ls -l | awk '{ print $1, $2, $5, $NF }' | grep -v total
readlink e; readlink -f e
[ -L e ] && echo link; [ -f e ] && echo file; [ -d e ] || echo no directory
rm c; cat d; cat e
mkdir -p x/y/z; touch x/y/z/f x/g; find x | sort
rmdir x; rmdir x/y
rm -r x; ls x
chmod 640 a; stat -c '%a %s %F %h' a
chmod u+x,g-r a; stat -c '%A' a
chown 12:34 a; stat -c '%u:%g' a
touch -t 200001020304.05 a; stat -c %Y a
truncate -s 100 a; stat -c %s a
dd if=/dev/zero of=zero bs=1k count=10 2>/dev/null; wc -c < zero
dd if=a of=part bs=1 skip=1 count=3 2>/dev/null; cat part; echo
echo text > 'a name'; cat 'a name'; ls 'a name'
mktemp -d /case/tmp.XXXXXX | sed 's/\..*/.name/'
umask; umask 077; touch private; stat -c %a private; umask 022
install -m 755 a installed; stat -c %a installed
mkdir d1 d2; touch d1/f; mv d1/f d2; ls d1 d2
mkfifo pipe; stat -c %F pipe; (echo through > pipe &) ; cat pipe
tar -cf t.tar d2 a; tar -tf t.tar; mkdir out; tar -xf t.tar -C out; ls out
gzip -c a | gunzip -c | cmp - a && echo gzip
find . -name 'f*' -type f | sort; find . -type l
du -s d1 > /dev/null && echo du; df . > /dev/null && echo df
# Text.
seq 1 10 | tr '\n' ' '; echo
seq 100 | sort -rn | head -3
seq 100 | tail -2; seq 20 | sed -n '5,7p'
echo hello | sed 's/l/L/g'; echo hello | tr a-z A-Z; echo hello | rev
printf '%s-%d\n' a 1 b 2; printf 'b\na\nc\na\n' | sort | uniq -c | awk '{ print $1 $2 }'
echo a:b:c | cut -d: -f2; echo a:b:c | awk -F: '{ print $3 }'
grep -c o /etc/session.sh > /dev/null && echo grep; echo abc | grep -o b; grep none a || echo "none: $?"
printf 'x y\nz\n' | wc; printf 'a\tb\n' | expand; echo 12345 | fold -w 2
printf 'a\nb\n' > l; printf 'b\nc\n' > r; comm l r; diff l r; paste l r
echo hello | md5sum; echo hello | sha256sum | cut -c 1-16; echo hello | base64
echo hello | od -c | head -1; echo hello | hexdump -C | head -1; echo AB | xxd -p
expr 6 \* 7; echo $((2 ** 10)) $((7 / 2)) $((-7 % 3)); test 3 -lt 5 && echo less
seq 5 | xargs echo; seq 4 | xargs -n 2 echo; echo a b | xargs -n 1
echo line | tee t1 t2; cat t1 t2; nl t1; tac l
awk 'BEGIN { for (i = 0; i < 3; i++) s = s i; print s, length(s) }'
bc -v > /dev/null 2>&1; echo '2 3 + p' | dc 2>/dev/null
sort -k 2 -t , << END
x,3
y,1
z,2
END
# The shell.
for i in 1 2 3; do echo "i=$i"; done; i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i
case abc in a*) echo begins ;; *) echo no ;; esac
f() { local v=in; echo "$1 $v $#"; return 3; }; f x y; echo $?
v='a b'; echo $v "$v" ${v%b} ${v#a} ${#v} ${none:-default}
set -- 1 2 3; echo $# $* "$2"; shift; echo $1; set --
echo $(echo inner $(echo deep)); echo `echo old`
cat << 'END'
not $expanded `here`
END
cat << END
expanded $((1 + 1)) $(echo sub)
END
cat <<- END
	tabs go
	END
true && echo yes || echo no; false && echo yes || echo no; ! true; echo $?
(cd /; pwd; exit 4); echo $?; pwd
{ echo out; echo err >&2; } 2>&1 | sort; ls /none 2>/dev/null; echo $?
exec 5> five; echo five >&5; exec 5>&-; cat five
read -r first rest << END
alpha beta gamma
END
echo "$first|$rest"; IFS=: read -r p q << END
1:2
END
echo $q; echo a | while read -r w; do echo "got $w"; done
sh -c 'echo $0 $1' zero one; sh -c 'exit 9'; echo $?; sh -c 'kill -9 $$'; echo $?
eval 'x=5; echo $x'; unset x; echo "[$x]"; export Y=1; env | grep ^Y=; alias ll='ls -l'; type cd
trap 'echo bye' EXIT; (trap 'echo usr' USR1; kill -USR1 $(sh -c 'echo $PPID'); echo after)
trap - EXIT; set -e; (false; echo not) || true; set +e; none-such 2>/dev/null; echo $?
touch g1 g2; echo g*; echo g?; echo none*; rm -f g*; echo ~ > /dev/null; echo "a\tb"; printf 'a\tb\n'
time -p true 2>&1 | cut -d ' ' -f 1; sleep 0.01; echo slept
yes | head -2; seq 100000 | tail -1; seq 1000 | (read -r a; echo $a; cat > /dev/null)
# Jobs.
sleep 0.2 & wait $!; echo "waited $?"; (exit 5) & wait $!; echo $?
sleep 60 & kill $!; wait $! 2>/dev/null; echo $?; sleep 60 & kill -STOP $!; kill -CONT $!; kill -9 $!
wait $! 2>/dev/null; echo $?; jobs; sh -c 'trap "echo term; exit 1" TERM; kill $$; echo no'; echo $?
timeout 0.2 sleep 60; echo $?; timeout 5 true; echo $?; (sleep 0.1; echo late) & echo early; wait
nice -n 5 sh -c 'echo nice'; nohup true 2>/dev/null; echo $?; setsid true; echo $?; echo $$ | wc -w
# Mounts.
mkdir m; mount -t tmpfs name m; echo in > m/f; grep -c /case/m /proc/mounts; umount m; ls m
mount -t tmpfs -o ro name m; touch m/x 2>&1; mount -o remount,rw m; touch m/x; ls m
mkdir n; mount --bind m n; ls n; mount -o remount,bind,ro n; touch n/y 2>&1; umount n; umount m
mount -t tmpfs one m; mount -t tmpfs two m; umount m; umount m; umount m 2>&1
(cd m; mount -t tmpfs busy /case/m; cd /case/m; umount /case/m 2>&1); umount m; mountpoint m; mountpoint /proc
mkdir -p root/bin; cp /bin/busybox root/bin; chroot root /bin/busybox ls /; chroot root /bin/busybox pwd
chroot /none true 2>&1; mknod null c 1 3; echo x > null; cat null; unshare -m mount -t tmpfs x m; mountpoint m
# The system.
uname -s; uname -m; hostname box; hostname; id -u; id -g; whoami 2>/dev/null; tty; echo $?
cat /proc/self/comm; ls /proc/self/fd | head -3 | tr '\n' ' '; echo; tr '\0' ' ' < /proc/self/cmdline; echo
grep -c ^cpu0 /proc/stat; grep ^MemTotal /proc/meminfo | cut -d : -f 1; test -r /proc/uptime && echo uptime
ls /proc/self/exe; [ -d /proc/1 ] && echo one; ps > /dev/null && echo ps; free > /dev/null && echo free
env -i A=1 sh -c 'echo $A $B'; which cat; basename /a/b.c .c; dirname /a/b; date -d @0 -u +%F; cal 1 2000 | head -1
sync; echo end
