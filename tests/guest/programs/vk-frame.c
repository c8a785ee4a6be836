// SPDX-License-Identifier: MIT
/*
 * vk-frame: have a Vulkan device compute and draw, and compare what comes back.
 *
 * Each round fills a buffer that the device and we both see with other numbers, has a
 * compute shader scramble them, and does the same sums here. Then an image only the device
 * sees is cleared to a colour of the round, partly copied over from another one, and read
 * back. Nothing that was left of the round before can pass for a result.
 */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vulkan/vulkan.h>

#include "vk-frame-spv.h"

#define WORDS		65536
#define GROUP		64
#define IMAGE_SIDE	256
#define PATCH_SIDE	64
#define ROUNDS		4

static const char help[] =
	"usage: vk-frame NAME [SECONDS]\n"
	"  NAME     what the name of the Vulkan device to be used begins with\n"
	"  SECONDS  repeat for so long (0: once)\n";

struct vk {
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family;
	VkCommandPool pool;
	VkCommandBuffer commands;
	VkFence fence;
};

struct memory {
	VkBuffer buffer;
	VkDeviceMemory memory;
	uint32_t *words;
};

static void check(VkResult result, const char *what)
{
	if (result != VK_SUCCESS)
		errx(1, "%s: Vulkan error %d", what, result);
}

/* ---- start ---- */

static void find_device(struct vk *vk, const char *name)
{
	const VkApplicationInfo app = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.apiVersion = VK_API_VERSION_1_1,
	};
	const VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pApplicationInfo = &app,
	};
	VkPhysicalDeviceProperties properties;
	VkPhysicalDevice devices[8];
	uint32_t count = 8, i;
	VkInstance instance;

	check(vkCreateInstance(&info, NULL, &instance), "instance");
	check(vkEnumeratePhysicalDevices(instance, &count, devices), "devices");
	for (i = 0; i < count; i++) {
		vkGetPhysicalDeviceProperties(devices[i], &properties);
		if (strncmp(properties.deviceName, name, strlen(name)))
			continue;
		printf("device: %s\n", properties.deviceName);
		vk->physical = devices[i];
		return;
	}
	errx(1, "none of %u devices is \"%s\"", count, name);
}

static void find_family(struct vk *vk)
{
	VkQueueFamilyProperties families[8];
	uint32_t count = 8;

	vkGetPhysicalDeviceQueueFamilyProperties(vk->physical, &count, families);
	for (vk->family = 0; vk->family < count; vk->family++) {
		VkQueueFlags all = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT;

		if ((families[vk->family].queueFlags & all) == all)
			return;
	}
	errx(1, "no queue can both draw and compute");
}

static void start(struct vk *vk, const char *name)
{
	const float priority = 1;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	const VkDeviceCreateInfo device = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
	};
	VkCommandPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
	};
	VkCommandBufferAllocateInfo commands = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = 1,
	};
	const VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };

	find_device(vk, name);
	find_family(vk);
	queue.queueFamilyIndex = vk->family;
	check(vkCreateDevice(vk->physical, &device, NULL, &vk->device), "device");
	vkGetDeviceQueue(vk->device, vk->family, 0, &vk->queue);
	pool.queueFamilyIndex = vk->family;
	check(vkCreateCommandPool(vk->device, &pool, NULL, &vk->pool), "command pool");
	commands.commandPool = vk->pool;
	check(vkAllocateCommandBuffers(vk->device, &commands, &vk->commands), "command buffer");
	check(vkCreateFence(vk->device, &fence, NULL, &vk->fence), "fence");
}

static void begin(struct vk *vk)
{
	const VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
	};

	check(vkBeginCommandBuffer(vk->commands, &info), "begin");
}

static void finish(struct vk *vk)
{
	const VkSubmitInfo submit = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &vk->commands,
	};

	check(vkEndCommandBuffer(vk->commands), "end");
	check(vkQueueSubmit(vk->queue, 1, &submit, vk->fence), "submit");
	check(vkWaitForFences(vk->device, 1, &vk->fence, VK_TRUE, UINT64_MAX), "fence");
	check(vkResetFences(vk->device, 1, &vk->fence), "fence reset");
}

/* ---- memory ---- */

static VkDeviceMemory allocate(const struct vk *vk, const VkMemoryRequirements *need,
			       VkMemoryPropertyFlags flags)
{
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.allocationSize = need->size,
	};
	VkPhysicalDeviceMemoryProperties types;
	VkDeviceMemory memory;
	uint32_t i;

	vkGetPhysicalDeviceMemoryProperties(vk->physical, &types);
	for (i = 0; i < types.memoryTypeCount; i++) {
		if ((need->memoryTypeBits & 1u << i) && (types.memoryTypes[i].propertyFlags & flags) == flags)
			break;
	}
	if (i == types.memoryTypeCount)
		errx(1, "no memory with flags 0x%x", flags);
	info.memoryTypeIndex = i;
	check(vkAllocateMemory(vk->device, &info, NULL, &memory), "memory");
	return memory;
}

static struct memory shared_buffer(const struct vk *vk, VkBufferUsageFlags usage, size_t size)
{
	const VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.size = size,
		.usage = usage,
	};
	VkMemoryRequirements need;
	struct memory m;
	void *at;

	check(vkCreateBuffer(vk->device, &info, NULL, &m.buffer), "buffer");
	vkGetBufferMemoryRequirements(vk->device, m.buffer, &need);
	m.memory = allocate(vk, &need, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
			    VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
	check(vkBindBufferMemory(vk->device, m.buffer, m.memory, 0), "bind");
	check(vkMapMemory(vk->device, m.memory, 0, size, 0, &at), "map");
	m.words = at;
	return m;
}

static void release(const struct vk *vk, const struct memory *m)
{
	vkDestroyBuffer(vk->device, m->buffer, NULL);
	vkFreeMemory(vk->device, m->memory, NULL);
}

/* What the device writes can be read here, once the fence has signalled. */
static void publish(const struct vk *vk)
{
	const VkMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_HOST_READ_BIT,
	};

	vkCmdPipelineBarrier(vk->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_HOST_BIT,
			     0, 1, &barrier, 0, NULL, 0, NULL);
}

/* ---- compute ---- */

struct compute {
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
	VkPipeline pipeline;
	VkDescriptorSet set;
};

static void compute_pipeline(const struct vk *vk, struct compute *c)
{
	const VkDescriptorSetLayoutBinding binding = {
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.descriptorCount = 1,
		.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
	};
	const VkDescriptorSetLayoutCreateInfo set = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
		.bindingCount = 1,
		.pBindings = &binding,
	};
	const VkPushConstantRange push = { VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(uint32_t) };
	VkPipelineLayoutCreateInfo layout = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.setLayoutCount = 1,
		.pSetLayouts = &c->set_layout,
		.pushConstantRangeCount = 1,
		.pPushConstantRanges = &push,
	};
	const VkShaderModuleCreateInfo shader = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.codeSize = sizeof(vk_frame_spv),
		.pCode = vk_frame_spv,
	};
	VkComputePipelineCreateInfo pipeline = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.stage = {
			.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
			.stage = VK_SHADER_STAGE_COMPUTE_BIT,
			.pName = "main",
		},
	};

	check(vkCreateDescriptorSetLayout(vk->device, &set, NULL, &c->set_layout), "set layout");
	check(vkCreatePipelineLayout(vk->device, &layout, NULL, &c->layout), "layout");
	check(vkCreateShaderModule(vk->device, &shader, NULL, &pipeline.stage.module), "shader");
	pipeline.layout = c->layout;
	check(vkCreateComputePipelines(vk->device, VK_NULL_HANDLE, 1, &pipeline, NULL, &c->pipeline),
	      "pipeline");
}

static void compute_set(const struct vk *vk, struct compute *c, VkBuffer buffer)
{
	const VkDescriptorPoolSize size = { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1 };
	const VkDescriptorPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = 1,
		.poolSizeCount = 1,
		.pPoolSizes = &size,
	};
	VkDescriptorSetAllocateInfo set = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorSetCount = 1,
		.pSetLayouts = &c->set_layout,
	};
	const VkDescriptorBufferInfo whole = { buffer, 0, VK_WHOLE_SIZE };
	VkWriteDescriptorSet write = {
		.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
		.descriptorCount = 1,
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.pBufferInfo = &whole,
	};

	check(vkCreateDescriptorPool(vk->device, &pool, NULL, &set.descriptorPool), "set pool");
	check(vkAllocateDescriptorSets(vk->device, &set, &c->set), "set");
	write.dstSet = c->set;
	vkUpdateDescriptorSets(vk->device, 1, &write, 0, NULL);
}

static uint32_t start_value(uint32_t i, uint32_t round)
{
	return i * 2654435761u + round * 40503u;
}

/* The shader's sums. */
static uint32_t scrambled(uint32_t v, uint32_t salt)
{
	uint32_t i;

	v ^= salt;
	for (i = 0; i < 8; i++)
		v = (v ^ v >> 13) * 0x9e3779b1u + i;
	return v;
}

static void compute_round(struct vk *vk, const struct compute *c, const struct memory *m, uint32_t round)
{
	const uint32_t salt = 0x1234567u * (round + 1);
	uint32_t i;

	for (i = 0; i < WORDS; i++)
		m->words[i] = start_value(i, round);
	begin(vk);
	vkCmdBindPipeline(vk->commands, VK_PIPELINE_BIND_POINT_COMPUTE, c->pipeline);
	vkCmdBindDescriptorSets(vk->commands, VK_PIPELINE_BIND_POINT_COMPUTE, c->layout, 0, 1, &c->set, 0, NULL);
	vkCmdPushConstants(vk->commands, c->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(salt), &salt);
	vkCmdDispatch(vk->commands, WORDS / GROUP, 1, 1);
	publish(vk);
	finish(vk);
	for (i = 0; i < WORDS; i++) {
		uint32_t want = scrambled(start_value(i, round), salt);

		if (m->words[i] != want)
			errx(1, "round %u: word %u is 0x%08x, not 0x%08x", round, i, m->words[i], want);
	}
}

static void compute(struct vk *vk)
{
	struct memory m = shared_buffer(vk, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, WORDS * sizeof(uint32_t));
	struct compute c;
	uint32_t round;

	compute_pipeline(vk, &c);
	compute_set(vk, &c, m.buffer);
	for (round = 0; round < ROUNDS; round++)
		compute_round(vk, &c, &m, round);
	release(vk, &m);
	printf("computed: %u words, %u rounds\n", WORDS, ROUNDS);
}

/* ---- images ---- */

static VkImage device_image(const struct vk *vk, uint32_t side)
{
	const VkImageCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
		.imageType = VK_IMAGE_TYPE_2D,
		.format = VK_FORMAT_R8G8B8A8_UNORM,
		.extent = { side, side, 1 },
		.mipLevels = 1,
		.arrayLayers = 1,
		.samples = VK_SAMPLE_COUNT_1_BIT,
		.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
	};
	VkMemoryRequirements need;
	VkImage image;

	check(vkCreateImage(vk->device, &info, NULL, &image), "image");
	vkGetImageMemoryRequirements(vk->device, image, &need);
	check(vkBindImageMemory(vk->device, image,
				allocate(vk, &need, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT), 0), "bind image");
	return image;
}

static const VkImageSubresourceRange whole_image = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1 };
static const VkImageSubresourceLayers one_layer = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1 };

/* Let what was done to an image be done before what comes. */
static void turn(const struct vk *vk, VkImage image, VkImageLayout from, VkImageLayout to)
{
	const VkImageMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
		.oldLayout = from,
		.newLayout = to,
		.image = image,
		.subresourceRange = whole_image,
	};

	vkCmdPipelineBarrier(vk->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
			     VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

static uint32_t round_colour(uint32_t round, uint32_t which)
{
	return 0xff000000u | (0x30 + 0x21 * round) << 16 | (0x41 + 0x55 * which) << 8 | (0x10 + 0x33 * round);
}

static void clear(const struct vk *vk, VkImage image, uint32_t colour)
{
	VkClearColorValue value;
	unsigned int i;

	for (i = 0; i < 4; i++)
		value.float32[i] = (float)(colour >> (8 * i) & 0xff) / 255;
	turn(vk, image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
	vkCmdClearColorImage(vk->commands, image, VK_IMAGE_LAYOUT_GENERAL, &value, 1, &whole_image);
	turn(vk, image, VK_IMAGE_LAYOUT_GENERAL, VK_IMAGE_LAYOUT_GENERAL);
}

static bool in_patch(uint32_t x, uint32_t y, uint32_t at)
{
	return x >= at && x < at + PATCH_SIDE && y >= at && y < at + PATCH_SIDE;
}

static void image_round(struct vk *vk, VkImage image, VkImage patch, const struct memory *m, uint32_t round)
{
	const uint32_t at = 17 + 29 * round;
	const VkImageCopy copy = {
		.srcSubresource = one_layer,
		.dstSubresource = one_layer,
		.dstOffset = { at, at, 0 },
		.extent = { PATCH_SIDE, PATCH_SIDE, 1 },
	};
	const VkBufferImageCopy back = {
		.imageSubresource = one_layer,
		.imageExtent = { IMAGE_SIDE, IMAGE_SIDE, 1 },
	};
	uint32_t x, y;

	begin(vk);
	clear(vk, image, round_colour(round, 0));
	clear(vk, patch, round_colour(round, 1));
	vkCmdCopyImage(vk->commands, patch, VK_IMAGE_LAYOUT_GENERAL, image, VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
	turn(vk, image, VK_IMAGE_LAYOUT_GENERAL, VK_IMAGE_LAYOUT_GENERAL);
	vkCmdCopyImageToBuffer(vk->commands, image, VK_IMAGE_LAYOUT_GENERAL, m->buffer, 1, &back);
	publish(vk);
	finish(vk);
	for (y = 0; y < IMAGE_SIDE; y++) {
		for (x = 0; x < IMAGE_SIDE; x++) {
			uint32_t got = m->words[y * IMAGE_SIDE + x];
			uint32_t want = round_colour(round, in_patch(x, y, at));

			if (got != want)
				errx(1, "round %u: pixel %u,%u is 0x%08x, not 0x%08x", round, x, y, got, want);
		}
	}
}

static void images(struct vk *vk)
{
	struct memory m = shared_buffer(vk, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
					IMAGE_SIDE * IMAGE_SIDE * sizeof(uint32_t));
	VkImage image = device_image(vk, IMAGE_SIDE), patch = device_image(vk, PATCH_SIDE);
	uint32_t round;

	for (round = 0; round < ROUNDS; round++)
		image_round(vk, image, patch, &m, round);
	release(vk, &m);
	printf("cleared: %ux%u pixels, %u rounds\n", IMAGE_SIDE, IMAGE_SIDE, ROUNDS);
}

int main(int argc, char **argv)
{
	struct vk vk = { 0 };
	time_t end;

	if (argc < 2 || argc > 3 || !strcmp(argv[1], "--help")) {
		fputs(help, argc == 2 ? stdout : stderr);
		return argc == 2 ? 0 : 2;
	}
	end = time(NULL) + (argc == 3 ? atoi(argv[2]) : 0);
	start(&vk, argv[1]);
	do {
		compute(&vk);
		images(&vk);
	} while (time(NULL) < end);
	return 0;
}
