/* SPDX-License-Identifier: MIT */
/*
 * Another program in the same task.  The new memory is built completely before the old one is
 * given up, so every failure leaves the caller as it was.
 */
#include "arch.h"
#include "exec.h"

#define SCRIPT_LINE 256u

int exec_open(const char *path, struct file **ret_file)
{
	struct file *file;
	int err = file_open(current->fs, NULL, path, O_RDONLY, 0, &file);

	if (err)
		return err;
	if (!S_ISREG(file->inode->mode) || (file->path.mnt->flags & MS_NOEXEC))
		err = -EACCES;
	else
		err = inode_permission(file->inode, MAY_EXEC);
	if (!err && file->inode->writers)
		err = -ETXTBSY;
	if (err)
		file_put(file);
	else
		*ret_file = file;
	return err;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The words of "#! interpreter [argument]" in LINE; *ret_argument may be NULL. */
static int script_words(char *line, size_t len, char **ret_interpreter, char **ret_argument)
{
	char *end = line + len, *at = line + 2, *stop;

	for (stop = at; stop < end && *stop != '\n'; stop++)
		;
	if (stop == end && len == SCRIPT_LINE)
		return -ENOEXEC;		/* cut off: it could name another program */
	while (stop > at && (blank(stop[-1]) || stop[-1] == '\r'))
		stop--;
	*stop = '\0';
	while (blank(*at))
		at++;
	if (!*at)
		return -ENOEXEC;
	*ret_interpreter = at;
	while (*at && !blank(*at))
		at++;
	*ret_argument = NULL;
	if (*at) {
		*at++ = '\0';
		while (blank(*at))
			at++;
		*ret_argument = at;
	}
	return 0;
}

static int prefix_insert(struct exec_args *args, unsigned at, const char *text)
{
	char *copy;
	unsigned i;

	if (args->prefix_count == EXEC_PREFIX)
		return -ELOOP;
	copy = kstrndup(text, strlen(text));
	if (!copy)
		return -ENOMEM;
	for (i = args->prefix_count++; i > at; i--)
		args->prefix[i] = args->prefix[i - 1];
	args->prefix[at] = copy;
	return 0;
}

/* The program that really is to be loaded; PATH is the caller's buffer and follows. */
static int resolve(char *path, struct exec_args *args, struct file **ret_file)
{
	char line[SCRIPT_LINE + 1], *interpreter, *argument;
	struct file *file = NULL;
	struct uio uio;
	uint64_t pos;
	unsigned depth;
	long len;
	int err;

	for (depth = 0; depth <= EXEC_SCRIPTS; depth++) {
		err = exec_open(path, &file);
		if (err)
			return err;
		pos = 0;
		uio = uio_kernel(line, SCRIPT_LINE);
		len = file_read(file, &uio, &pos);
		if (len < 2 || line[0] != '#' || line[1] != '!') {
			if (len < 0) {
				file_put(file);
				return (int)len;
			}
			*ret_file = file;
			return 0;
		}
		file_put(file);
		line[len] = '\0';
		err = script_words(line, (size_t)len, &interpreter, &argument);
		/* The script's own path takes the place of argv[0], once. */
		if (!err && depth == 0)
			err = prefix_insert(args, 0, path);
		if (!err && argument)
			err = prefix_insert(args, 0, argument);
		if (!err)
			err = prefix_insert(args, 0, interpreter);
		if (err)
			return err;
		if (strlen(interpreter) >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(path, interpreter, strlen(interpreter) + 1);
	}
	return -ELOOP;
}

static void set_comm(const char *path)
{
	const char *name = path, *at;
	size_t len;

	for (at = path; *at; at++)
		if (*at == '/')
			name = at + 1;
	len = strlen(name);
	if (len >= sizeof(current->comm))
		len = sizeof(current->comm) - 1;
	memset(current->comm, 0, sizeof(current->comm));
	memcpy(current->comm, name, len);
}

static int own_sighand(void)
{
	struct sighand *copy;

	if (current->sighand->count == 1)
		return 0;
	copy = kmalloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *current->sighand;
	copy->count = 1;
	current->sighand->count--;
	current->sighand = copy;
	return 0;
}

static int own_files(void)
{
	struct files_struct *copy;

	if (current->files->count == 1)
		return 0;
	copy = files_copy(current->files);
	if (!copy)
		return -ENOMEM;
	files_put(current->files);
	current->files = copy;
	return 0;
}

/* From here on the old program is gone. */
static void commit(struct mm *old, struct file *file, const char *comm_path)
{
	unsigned i;

	mm_put(old);
	files_close_on_exec(current->files);
	for (i = 0; i < NSIG; i++) {
		struct sigaction_k *action = &current->sighand->action[i];

		if (action->handler != SIG_IGN)
			*action = (struct sigaction_k){ 0 };
		else
			action->flags = action->mask = action->restorer = 0;
	}
	current->altstack = current->altstack_size = 0;
	current->clear_child_tid = 0;
	current->fs_base = current->gs_base = 0;
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_GS_BASE, 0);
	fpu_reset(current);
	if (current->exe)
		file_put(current->exe);
	current->exe = file_get(file);
	file_run(file);
	set_comm(comm_path);
	vfork_finish(current);
}

int task_exec(const char *path, struct exec_args *args, struct trap_frame *frame)
{
	struct mm *old = current->mm, *mm;
	struct exec_image image;
	struct file *file = NULL;
	uintptr_t sp;
	char *name;
	int err;

	name = kmalloc(PATH_MAX);
	if (!name)
		return -ENOMEM;
	memcpy(name, path, strlen(path) + 1);
	err = resolve(name, args, &file);
	if (err)
		goto free_name;
	err = own_sighand();
	if (!err)
		err = own_files();
	if (err)
		goto put_file;
	mm = mm_new();
	err = -ENOMEM;
	if (!mm)
		goto put_file;
	current->mm = mm;
	mm_switch(mm);
	err = elf_load(mm, file, &image);
	if (!err)
		err = mm_map(mm, STACK_TOP - 16 * PAGE_SIZE, STACK_TOP, PROT_READ | PROT_WRITE,
			     VMA_STACK, NULL, 0);
	if (!err)
		err = exec_args_stack(args, &image, path, &sp);
	if (err) {
		current->mm = old;
		mm_switch(old);
		mm_put(mm);
		goto put_file;
	}
	if (current->may_end && old)
		first_execs();
	commit(old, file, path);
	memset(frame, 0, sizeof(*frame));
	frame->rip = image.start;
	frame->rsp = sp;
	frame->cs = USER_CS;
	frame->ss = USER_SS;
	frame->rflags = RFLAGS_FIXED | RFLAGS_IF;
	frame->vector = VECTOR_SYSCALL;
	current->syscall = SYSCALL_NONE;
put_file:
	file_put(file);
free_name:
	kfree(name);
	return err;
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	struct exec_args *args = exec_args_new();
	struct trap_frame *frame = task_frame(current);
	int err;

	if (!args)
		return -ENOMEM;
	err = exec_args_kernel(args, argv, envp);
	if (!err && strlen(path) >= PATH_MAX)
		err = -ENAMETOOLONG;
	if (!err)
		err = task_exec(path, args, frame);
	exec_args_free(args);
	if (err)
		return err;
	return_to_frame(frame);
}

/* ------------------------------------------------------------------ what /proc shows */

long task_cmdline(struct task *task, char *buf, size_t size)
{
	struct mm *mine = current->mm;
	size_t len;
	long err;

	if (!task->mm)
		return 0;
	len = task->mm->arg_end - task->mm->arg_start;
	if (len > size)
		len = size;
	/* copy_from_user() goes by current->mm and uses no address of the program's itself. */
	current->mm = task->mm;
	err = copy_from_user(buf, task->mm->arg_start, len);
	current->mm = mine;
	return err ? err : (long)len;
}

uint64_t task_memory_pages(struct task *task)
{
	return task->mm ? task->mm->pages : 0;
}
