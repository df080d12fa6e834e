/* SPDX-License-Identifier: MIT */
/* fork, exec, wait, identities, groups, limits. */
#include "abi.h"

#include <elf.h>
#include <sched.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

static void exit_codes(void)
{
	static const int codes[] = { 0, 1, 127, 128, 255, 256, 257, -1 };
	unsigned i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		pid_t pid = abi_fork();

		if (pid == 0)
			_exit(codes[i]);
		abi_ended(pid);
	}
	IN_CHILD(raise(SIGKILL));
	IN_CHILD(abort());
	IN_CHILD(*(volatile int *)nowhere = 1);
	IN_CHILD(volatile int zero = 0; zero = 1 / zero);
	IN_CHILD(__asm__ volatile("ud2"));
	IN_CHILD(__asm__ volatile("int3"));
	IN_CHILD(__asm__ volatile("hlt"));
}

static void waiting(void)
{
	int status = -1;
	siginfo_t info;
	pid_t pid;

	SEE(wait(&status));
	SEE(waitpid(-1, &status, WNOHANG));
	SEE(waitpid(1, &status, 0));
	SEE(waitpid(getpid(), &status, 0));
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	SEE(waitpid(pid, &status, WNOHANG));
	SEE(waitpid(pid, &status, 0x100));
	SEE(waitid(P_PID, (id_t)pid, &info, 0));
	SEE(waitid(7, (id_t)pid, &info, WEXITED));
	memset(&info, 1, sizeof(info));
	SEE(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	SAY("pid %d signo %d", info.si_pid, info.si_signo);
	SEE(kill(pid, SIGTERM));
	SEE(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	SAY("code %d status %d uid %d", info.si_code, info.si_status, info.si_uid);
	SEE(waitpid(-getpgrp(), &status, 0) == pid);
	abi_say_status("child", status);
	SEE(waitpid(pid, &status, 0));
	SEE(waitpid(-0x7ffffff, &status, 0));
	pid = fork();
	if (pid == 0)
		_exit(9);
	SEE(wait4(0, &status, 0, nowhere) == pid);
	SEE(waitpid(0, nowhere, 0));
}

static void stopping(void)
{
	int status, go_on[2];
	char c = 0;
	pid_t pid;

	pipe(go_on);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		/* Not before its parent has seen that it was continued. */
		read(go_on[0], &c, 1);
		raise(SIGTSTP);
		_exit(4);
	}
	SEE(waitpid(pid, &status, WUNTRACED) == pid);
	abi_say_status("child", status);
	SEE(waitpid(pid, &status, WUNTRACED | WNOHANG));
	SEE(kill(pid, SIGCONT));
	SEE(waitpid(pid, &status, WCONTINUED) == pid);
	abi_say_status("child", status);
	write(go_on[1], &c, 1);
	SEE(waitpid(pid, &status, WUNTRACED) == pid);
	abi_say_status("child", status);
	SEE(kill(pid, SIGCONT));
	SEE(waitpid(pid, &status, 0) == pid);
	abi_say_status("child", status);
}

static void orphans(void)
{
	int ends[2];
	char c = 0;

	pipe(ends);
	IN_CHILD(pid_t middle = getpid();
		 if (fork() == 0) {
			while (getppid() == middle)
				usleep(1000);
			c = (char)('0' + (getppid() == 1));
			write(ends[1], &c, 1);
			_exit(0);
		 });
	SEE(read(ends[0], &c, 1));
	SAY("parent is 1: %c", c);
	SEE(wait(NULL));
}

static void subreaper(void)
{
	int ends[2], value = -1;
	char c = 0;

	SEE(prctl(PR_SET_CHILD_SUBREAPER, 1));
	SEE(prctl(PR_GET_CHILD_SUBREAPER, &value));
	SAY("%d", value);
	pipe(ends);
	IN_CHILD(pid_t middle = getpid(), top = getppid();
		 if (fork() == 0) {
			while (getppid() == middle)
				usleep(1000);
			c = (char)('0' + (getppid() == top));
			write(ends[1], &c, 1);
			_exit(3);
		 });
	SEE(read(ends[0], &c, 1));
	SAY("parent is the reaper: %c", c);
	SEE(wait(&value) > 0);
	abi_say_status("orphan", value);
}

/* A program that wants an interpreter: LEN bytes of NAME are its name. */
static void put_interpreted(const char *path, const char *name, size_t len)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr interpreter, load;
		char name[64];
	} file = {
		.head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			  .e_entry = 0x400000, .e_phoff = sizeof(Elf64_Ehdr),
			  .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2 },
		.interpreter = { .p_type = PT_INTERP, .p_filesz = len, .p_memsz = len, .p_flags = PF_R },
		.load = { .p_type = PT_LOAD, .p_vaddr = 0x400000, .p_filesz = sizeof(file),
			  .p_memsz = sizeof(file), .p_flags = PF_R | PF_X },
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	file.interpreter.p_offset = (uintptr_t)file.name - (uintptr_t)&file;
	snprintf(file.name, sizeof(file.name), "%s", name);
	write(fd, &file, sizeof(file));
	close(fd);
}

static void interpreters(void)
{
	static const struct {
		const char *name;
		size_t less;
	} cases[] = {
		{ "/none/such", 0 }, { "/case/text", 0 }, { "/case/short", 0 }, { "/case/empty", 0 },
		{ "/case/plain", 0 }, { "/case/other", 0 }, { "/case", 0 }, { "/dev/null", 0 },
		{ "/bin/abi", 1 }, { "", 0 }, { "/case/text/x", 0 },
		{ "case/text", 0 },
	};
	char *words[] = { (char *)"x", NULL }, *none[] = { NULL };
	char text[100] = "";
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	abi_put("text", text);
	chmod("text", 0755);
	abi_put("short", "x");
	chmod("short", 0755);
	abi_put("empty", "");
	chmod("empty", 0755);
	abi_put("plain", text);
	/* for another machine */
	put_interpreted("other", "/none", 6);
	fd = open("other", O_WRONLY);
	pwrite(fd, "\3", 1, offsetof(Elf64_Ehdr, e_machine));
	close(fd);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].name) + 1 - cases[i].less;

		put_interpreted("program", cases[i].name, len);
		SAY("%s %d", cases[i].name, (int)len);
		SEE(execve("program", words, none));
	}
}

static void exec_failures(void)
{
	char *none[] = { NULL };
	char *words[] = { (char *)"x", NULL };

	abi_put("text", "not a program\n");
	chmod("text", 0755);
	abi_put("plain", "#!/bin/abi\n");
	abi_put("empty", "");
	chmod("empty", 0755);
	abi_put("no-interpreter", "#!/none/such\n");
	chmod("no-interpreter", 0755);
	abi_put("blank", "#!  \n");
	chmod("blank", 0755);
	abi_put("itself", "#!/case/itself\n");
	chmod("itself", 0755);
	abi_put("elf", "\177ELF\2\1\1");
	chmod("elf", 0755);
	abi_put("dir-interpreter", "#!/proc\n");
	chmod("dir-interpreter", 0755);
	mkdir("dir", 0755);
	symlink("loop", "loop");
	SEE(execve("none", words, none));
	SEE(execve("text", words, none));
	SEE(execve("plain", words, none));
	SEE(execve("empty", words, none));
	SEE(execve("no-interpreter", words, none));
	SEE(execve("blank", words, none));
	SEE(execve("itself", words, none));
	SEE(execve("elf", words, none));
	SEE(execve("dir-interpreter", words, none));
	SEE(execve("dir", words, none));
	SEE(execve("loop", words, none));
	SEE(execve("text/x", words, none));
	SEE(execve("", words, none));
	SEE(execve(nowhere, words, none));
	SEE(execve("/bin/abi", nowhere, none));
	SEE(execve("/dev/null", words, none));
	chmod("text", 0);
	SEE(execve("text", words, none));
}

static void scripts(void)
{
	abi_put("s", "#!/bin/busybox echo\n");
	chmod("s", 0755);
	IN_CHILD(execl("./s", "ignored", "a", "b c", NULL));
	abi_put("t", "#! /bin/busybox   echo one two  \nrest\n");
	chmod("t", 0755);
	IN_CHILD(execl("./t", "ignored", "a", NULL));
	abi_put("u", "#!./s\n");
	chmod("u", 0755);
	IN_CHILD(execl("./u", "ignored", "a", NULL));
	abi_put("sh", "#!/bin/busybox sh\necho \"$0: $*\"; exit 5\n");
	chmod("sh", 0755);
	IN_CHILD(execl("./sh", "ignored", "a", "b", NULL));
	abi_put("eof", "#!/bin/busybox echo");
	chmod("eof", 0755);
	IN_CHILD(execl("./eof", "x", "last", NULL));
	IN_CHILD(execl("./s", NULL, NULL));
}

static void words_and_environment(void)
{
	char *const env[] = { (char *)"B=2", (char *)"A=1", (char *)"ODD", NULL };
	char *const words[] = { (char *)"busybox", (char *)"env", NULL };
	char *const printing[] = { (char *)"printf", (char *)"<%s>", (char *)"", (char *)" ",
				   (char *)"x\ny", NULL };

	IN_CHILD(execve("/bin/busybox", words, env));
	IN_CHILD(execve("/bin/busybox", printing, env));
	SAY(" ");
	IN_CHILD(execve("/bin/busybox", words, NULL));
}

/* One word of 128 KiB less its end is the most; all words together a quarter of the stack. */
static void word_limits(void)
{
	static char word[131073];
	static char *many[40];
	char *words[] = { (char *)"true", word, NULL };
	int i;

	memset(word, 'w', sizeof(word));
	word[131071] = '\0';
	IN_CHILD(SEE(execve("/bin/busybox", words, environ)));
	word[131071] = 'w';
	word[131072] = '\0';
	IN_CHILD(SEE(execve("/bin/busybox", words, environ)));
	word[131071] = '\0';
	many[0] = (char *)"true";
	for (i = 1; i < 15; i++)
		many[i] = word;
	IN_CHILD(SEE(execve("/bin/busybox", many, environ)));
	for (i = 1; i < 39; i++)
		many[i] = word;
	IN_CHILD(SEE(execve("/bin/busybox", many, environ)));
}

static void over_exec(void)
{
	char *const words[] = { (char *)"sh", (char *)"-c",
		(char *)"for f in 3 4 5; do [ -e /proc/self/fd/$f ] && echo open $f; done; umask; "
		"pwd; trap; echo $PPID | sed 's/[0-9]*/ppid/'", NULL };

	open("/dev/null", O_RDONLY);
	open("/dev/null", O_RDONLY | O_CLOEXEC);
	open("/dev/null", O_RDONLY);
	umask(037);
	mkdir("d", 0755);
	chdir("d");
	IN_CHILD(execv("/bin/busybox", words));
	IN_CHILD(signal(SIGUSR1, SIG_IGN);
		 sigset_t set;
		 sigemptyset(&set);
		 sigaddset(&set, SIGUSR2);
		 sigprocmask(SIG_BLOCK, &set, NULL);
		 execl("/bin/busybox", "grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status", NULL));
}

static void identities(void)
{
	uid_t r, e, s;

	IN_CHILD(SEE(setuid(1000)); SEE(getuid()); SEE(geteuid()); SEE(setuid(0)); SEE(seteuid(0)));
	IN_CHILD(SEE(seteuid(1000)); SEE(getuid()); SEE(geteuid()); SEE(setuid(5));
		 SEE(setuid(0)); SEE(geteuid()));
	IN_CHILD(SEE(setresuid(1, 2, 3)); SEE(setresuid(3, 1, 2)); SEE(setresuid(4, 4, 4));
		 SEE(getresuid(&r, &e, &s)); SAY("%u %u %u", r, e, s);
		 SEE(setreuid(1, 3)); SEE(getresuid(&r, &e, &s)); SAY("%u %u %u", r, e, s);
		 SEE(setreuid(2, -1)); SEE(setreuid(-1, 1)); SEE(getresuid(&r, &e, &s));
		 SAY("%u %u %u", r, e, s));
	IN_CHILD(SEE(setreuid(10, 20)); SEE(getresuid(&r, &e, &s)); SAY("%u %u %u", r, e, s));
	IN_CHILD(SEE(setregid(10, 20)); SEE(getresgid(&r, &e, &s)); SAY("%u %u %u", r, e, s);
		 SEE(setgid(30)); SEE(getresgid(&r, &e, &s)); SAY("%u %u %u", r, e, s);
		 SEE(setegid(31)); SEE(getresgid(&r, &e, &s)); SAY("%u %u %u", r, e, s));
	IN_CHILD(SEE(setuid(-1)); SEE(setgid(-1)); SEE(setresuid(-1, -1, -1)));
	IN_CHILD(gid_t groups[] = { 5, 3, 9 };
		 gid_t got[8] = { 0 };
		 SEE(syscall(SYS_setgroups, 3, groups));
		 SEE(syscall(SYS_getgroups, 0, NULL));
		 SEE(syscall(SYS_getgroups, 2, got));
		 SEE(syscall(SYS_getgroups, 8, got));
		 SAY("%u %u %u", got[0], got[1], got[2]);
		 SEE(syscall(SYS_setgroups, 65537, groups));
		 SEE(syscall(SYS_setgroups, -1, groups));
		 abi_user(7);
		 SEE(syscall(SYS_setgroups, 0, NULL)));
}

static void set_id_exec(void)
{
	char *const words[] = { (char *)"id", NULL };

	umask(0);
	SEE(chmod("/bin/busybox", 06755));
	SEE(chown("/bin/busybox", 500, 600));
	SEE(chmod("/bin/busybox", 06755));
	IN_CHILD(abi_user(1000); execv("/bin/busybox", words));
	IN_CHILD(execv("/bin/busybox", words));
	IN_CHILD(abi_user(1000); SEE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		 execv("/bin/busybox", words));
	SEE(chown("/bin/busybox", 0, 0));
	SEE(chmod("/bin/busybox", 04755));
	IN_CHILD(abi_user(1000); execv("/bin/busybox", words));
	SEE(chmod("/bin/busybox", 0755));
}

static void groups_and_sessions(void)
{
	pid_t pid;

	SEE(getpgrp() == getpid());
	SEE(getsid(0) == getpid());
	SEE(setsid());
	SEE(setpgid(0, 0));
	SEE(getpgid(0) == getpid());
	SEE(getpgid(0x7fffff));
	SEE(getsid(0x7fffff));
	IN_CHILD(SEE(getpgrp() == getppid());
		 SEE(getsid(0) == getppid());
		 SEE(setpgid(0, 0));
		 SEE(getpgrp() == getpid());
		 SEE(setsid());
		 SEE(setpgid(0, getppid()));
		 SEE(setsid() == getpid()));
	IN_CHILD(SEE(setsid() == getpid());
		 SEE(getsid(0) == getpid());
		 SEE(setpgid(0, getppid())));
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	SEE(setpgid(pid, pid));
	SEE(getpgid(pid) == pid);
	SEE(setpgid(pid, 0x7fffff));
	SEE(setpgid(pid, -1));
	SEE(setpgid(pid, getpid()));
	SEE(setpgid(1, 1));
	SEE(setpgid(0x7fffff, 0));
	SEE(kill(pid, SIGKILL));
	abi_ended(pid);
}

static void clones(void)
{
	int value = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		value = 5;
		_exit(1);
	}
	abi_ended(pid);
	SAY("vfork shares memory: %d", value);
	IN_CHILD(value = 9);
	SAY("fork does not: %d", value);
	SEE(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0));
	SEE(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0));
	SEE(syscall(SYS_clone, CLONE_VM | CLONE_THREAD, 0, 0, 0, 0));
	fflush(stdout);
	pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		_exit(2);
	SEE(waitpid(pid, &value, 0));
	SEE(waitpid(pid, &value, __WALL) == pid);
	abi_say_status("clone without signal", value);
	pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	SEE(waitpid(pid, &value, 0));
}

static void shared_position(void)
{
	char text[8];
	int fd;

	abi_put("f", "0123456789");
	fd = open("f", O_RDONLY);
	IN_CHILD(SEE(read(fd, text, 4)));
	SEE(lseek(fd, 0, SEEK_CUR));
	IN_CHILD(SEE(lseek(fd, 8, SEEK_SET)); close(fd));
	SEE(read(fd, text, 8));
	IN_CHILD(fcntl(fd, F_SETFD, FD_CLOEXEC); fcntl(fd, F_SETFL, O_NONBLOCK));
	SEE(fcntl(fd, F_GETFD));
	SEE(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void limits(void)
{
	struct rlimit limit, small = { 10, 20 }, wrong = { 30, 20 };

	SEE(getrlimit(RLIMIT_NOFILE, &limit));
	SEE(getrlimit(99, &limit));
	SEE(setrlimit(99, &small));
	SEE(setrlimit(RLIMIT_NOFILE, &wrong));
	IN_CHILD(SEE(setrlimit(RLIMIT_NOFILE, &small));
		 SEE(getrlimit(RLIMIT_NOFILE, &limit));
		 SAY("%ld %ld", (long)limit.rlim_cur, (long)limit.rlim_max);
		 while (dup(1) >= 0)
			;
		 SAY("%s", strerrorname_np(errno));
		 SEE(dup2(1, 10));
		 SEE(fcntl(1, F_DUPFD, 10));
		 close(9);
		 SEE(dup(1)));
	IN_CHILD(signal(SIGXFSZ, SIG_IGN);
		 SEE(setrlimit(RLIMIT_FSIZE, &small));
		 int fd = open("f", O_RDWR | O_CREAT, 0644);
		 SEE(write(fd, "0123456789abc", 13));
		 SEE(write(fd, "x", 1));
		 SEE(ftruncate(fd, 11)));
	IN_CHILD(SEE(setrlimit(RLIMIT_FSIZE, &small)); SEE(truncate("f", 100)));
	IN_CHILD(abi_user(1000); SEE(setrlimit(RLIMIT_NOFILE, &small)); small.rlim_max = 30;
		 SEE(setrlimit(RLIMIT_NOFILE, &small)));
	SEE(prlimit(0, RLIMIT_STACK, NULL, &limit));
	SAY("stack %ld", (long)limit.rlim_cur);
	SEE(prlimit(0x7fffff, RLIMIT_STACK, NULL, &limit));
}

static void about_itself(void)
{
	char name[32] = "", link[64] = "";
	struct utsname uts;
	int value = -1;

	SEE(prctl(PR_GET_NAME, name));
	SAY("%s", name);
	SEE(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	SEE(prctl(PR_GET_NAME, name));
	SAY("%s", name);
	abi_show("/proc/self/comm");
	SEE(readlink("/proc/self/exe", link, sizeof(link)));
	SAY("%s", link);
	SEE(readlink("/proc/self/cwd", link, sizeof(link)));
	SEE(readlink("/proc/self/root", link, sizeof(link)));
	abi_show("/proc/self/cmdline");
	SEE(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	SEE(prctl(PR_GET_PDEATHSIG, &value));
	SAY("%d", value);
	SEE(prctl(PR_SET_PDEATHSIG, 99));
	SEE(prctl(PR_GET_DUMPABLE));
	SEE(prctl(9999));
	SEE(uname(&uts));
	SAY("%s %s", uts.sysname, uts.machine);
	SEE(uname(nowhere));
	SEE(sethostname("name", 4));
	SEE(gethostname(name, sizeof(name)));
	SAY("%s", name);
	SEE(sethostname("x", 65));
	SEE(getpriority(PRIO_PROCESS, 0));
	SEE(setpriority(PRIO_PROCESS, 0, 5));
	SEE(getpriority(PRIO_PROCESS, 0));
	SEE(setpriority(PRIO_PROCESS, 0x7fffff, 5));
	SEE(getpriority(9, 0));
	SEE(sched_yield());
	SEE(syscall(9999));
	SAY("page %lu secure %lu uid %lu", getauxval(AT_PAGESZ), getauxval(AT_SECURE),
	    getauxval(AT_UID));
}

static void clocks(void)
{
	struct timespec ts, bad = { 0, 1000000000 }, none = { 0, 0 };
	struct timeval tv;

	SEE(clock_gettime(CLOCK_REALTIME, &ts));
	SEE(clock_gettime(CLOCK_MONOTONIC, &ts));
	SEE(clock_gettime(CLOCK_BOOTTIME, &ts));
	SEE(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
	SEE(clock_gettime(99, &ts));
	SEE(clock_getres(CLOCK_MONOTONIC, &ts));
	SEE(clock_getres(99, NULL));
	SEE(gettimeofday(&tv, NULL));
	SEE(nanosleep(&bad, NULL));
	SEE(nanosleep(&none, NULL));
	SEE(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL));
	SEE(clock_nanosleep(99, 0, &none, NULL));
	SEE(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &none, NULL));
	SEE(syscall(SYS_nanosleep, nowhere, NULL));
	SEE(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, nowhere));
}

static const struct abi_case cases[] = {
	{ "exit-codes", exit_codes }, { "waiting", waiting }, { "stopping", stopping },
	{ "orphans", orphans }, { "subreaper", subreaper }, { "exec-failures", exec_failures },
	{ "interpreters", interpreters },
	{ "scripts", scripts }, { "words-and-environment", words_and_environment },
	{ "word-limits", word_limits }, { "over-exec", over_exec },
	{ "identities", identities }, { "set-id-exec", set_id_exec },
	{ "groups-and-sessions", groups_and_sessions }, { "clones", clones },
	{ "shared-position", shared_position }, { "limits", limits },
	{ "about-itself", about_itself }, { "clocks", clocks },
};

AREA(processes, cases);
