// SPDX-License-Identifier: MIT
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform Round {
	uint salt;
};
layout(binding = 0) buffer Words {
	uint words[];
};

void main()
{
	uint v = words[gl_GlobalInvocationID.x] ^ salt;

	for (uint i = 0; i < 8; i++)
		v = (v ^ v >> 13) * 0x9e3779b1u + i;
	words[gl_GlobalInvocationID.x] = v;
}
