// What the files of the stand-in for nvidia.ko share.

#pragma once

#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "nv-ops.h"

struct proc_dir_entry;

// nv-pci.c
int nv_bind_gpus(struct proc_dir_entry *directory);
void nv_unbind_gpus(void);
bool nv_has_gpu(unsigned int minor);

// nv-caps.c
int nv_add_capabilities(struct proc_dir_entry *driver);
void nv_remove_capabilities(void);

static inline int nv_open(struct inode *inode, struct file *file)
{
	return 0;
}

// An open device node counts as a user of its module.
static const struct file_operations nv_operations = { .owner = THIS_MODULE, .open = nv_open };

// nv_add_nodes: makes device numbers known to the kernel, which frees them with nv_remove_nodes.
static inline int nv_add_nodes(struct cdev *nodes, dev_t first, unsigned int count, const char *name,
			       const struct file_operations *operations)
{
	int error = register_chrdev_region(first, count, name);

	if (error)
		return error;
	cdev_init(nodes, operations);
	nodes->owner = operations->owner;
	error = cdev_add(nodes, first, count);
	if (error)
		unregister_chrdev_region(first, count);
	return error;
}

static inline void nv_remove_nodes(struct cdev *nodes)
{
	dev_t first = nodes->dev;
	unsigned int count = nodes->count;

	cdev_del(nodes);
	unregister_chrdev_region(first, count);
}

// nv_add_numbered_nodes: as nv_add_nodes, with a major number that the kernel chooses.
static inline int nv_add_numbered_nodes(struct cdev *nodes, unsigned int count, const char *name,
					const struct file_operations *operations)
{
	dev_t first;
	int error = alloc_chrdev_region(&first, 0, count, name);

	if (error)
		return error;
	unregister_chrdev_region(first, count);
	return nv_add_nodes(nodes, first, count, name, operations);
}
