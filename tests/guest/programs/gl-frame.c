// SPDX-License-Identifier: MIT
/*
 * gl-frame: draw one fixed picture by OpenGL ES and keep it as a PPM.
 *
 * The picture has a texture that is uploaded in odd pieces, blending, depth, a vertex
 * buffer that is rewritten between two draws, and copies from one texture to another, so
 * that each way data takes to the renderer has its share of the pixels. Drawn by virgl
 * and by llvmpipe it must be the same but for rounding.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <gbm.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define TEXTURE_SIZE 128

static const char help[] =
	"usage: gl-frame [--node NODE] [--show COMMAND] [--size WxH] OUT.ppm\n"
	"  --node NODE     draw by the driver of this DRM node; without it in software\n"
	"  --show COMMAND  show the picture on the node's first display, run COMMAND meanwhile\n"
	"  --size WxH      640x480 where nothing is shown, else the display's preferred mode\n";

struct frame {
	const char *node, *show, *out;
	int fd;
	unsigned int width, height;
	struct gbm_device *gbm;
	struct gbm_surface *surface;
	drmModeConnector *connector;
	uint32_t crtc_id;
	EGLDisplay display;
	EGLSurface egl_surface;
	EGLContext context;
};

static void check_gl(const char *what)
{
	GLenum error = glGetError();

	if (error != GL_NO_ERROR)
		errx(1, "%s: GL error 0x%x", what, error);
}

/* The first connected display with a mode, and a CRTC that can feed it. */
static void find_display(struct frame *f)
{
	drmModeRes *res = drmModeGetResources(f->fd);
	int i, j;

	if (!res)
		err(1, "no modesetting on %s", f->node);
	for (i = 0; i < res->count_connectors && !f->connector; i++) {
		drmModeConnector *c = drmModeGetConnector(f->fd, res->connectors[i]);

		if (c && c->connection == DRM_MODE_CONNECTED && c->count_modes > 0)
			f->connector = c;
		else
			drmModeFreeConnector(c);
	}
	if (!f->connector)
		errx(1, "no display on %s", f->node);
	for (i = 0; i < f->connector->count_encoders && !f->crtc_id; i++) {
		drmModeEncoder *e = drmModeGetEncoder(f->fd, f->connector->encoders[i]);

		for (j = 0; e && j < res->count_crtcs && !f->crtc_id; j++) {
			if (e->possible_crtcs & (1u << j))
				f->crtc_id = res->crtcs[j];
		}
		drmModeFreeEncoder(e);
	}
	if (!f->crtc_id)
		errx(1, "no CRTC for the display");
	f->width = f->connector->modes[0].hdisplay;
	f->height = f->connector->modes[0].vdisplay;
	drmModeFreeResources(res);
}

static EGLConfig choose_config(struct frame *f)
{
	const EGLint attributes[] = {
		EGL_SURFACE_TYPE, f->show ? EGL_WINDOW_BIT : EGL_PBUFFER_BIT,
		EGL_RENDERABLE_TYPE, EGL_OPENGL_ES2_BIT,
		EGL_RED_SIZE, 8, EGL_GREEN_SIZE, 8, EGL_BLUE_SIZE, 8,
		EGL_DEPTH_SIZE, 24, EGL_NONE
	};
	EGLConfig configs[64];
	EGLint n, i, id;

	if (!eglChooseConfig(f->display, attributes, configs, 64, &n) || n < 1)
		errx(1, "no EGL configuration");
	for (i = 0; i < n && f->show; i++) {
		eglGetConfigAttrib(f->display, configs[i], EGL_NATIVE_VISUAL_ID, &id);
		if (id == GBM_FORMAT_XRGB8888)
			return configs[i];
	}
	return configs[0];
}

static void start_egl(struct frame *f)
{
	const EGLint context_attributes[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };
	EGLConfig config;

	if (f->node) {
		f->fd = open(f->node, O_RDWR | O_CLOEXEC);
		if (f->fd < 0)
			err(1, "%s", f->node);
		f->gbm = gbm_create_device(f->fd);
		if (!f->gbm)
			errx(1, "no GBM device on %s", f->node);
		f->display = eglGetPlatformDisplay(EGL_PLATFORM_GBM_KHR, f->gbm, NULL);
	} else {
		f->display = eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
	}
	if (f->show)
		find_display(f);
	if (!eglInitialize(f->display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_ES_API))
		errx(1, "EGL does not start");
	config = f->show || !f->node ? choose_config(f) : EGL_NO_CONFIG_KHR;
	f->context = eglCreateContext(f->display, config, EGL_NO_CONTEXT, context_attributes);
	if (f->context == EGL_NO_CONTEXT)
		errx(1, "no GL context");
	if (f->show) {
		f->surface = gbm_surface_create(f->gbm, f->width, f->height, GBM_FORMAT_XRGB8888,
						GBM_BO_USE_SCANOUT | GBM_BO_USE_RENDERING);
		if (!f->surface)
			err(1, "no GBM surface");
		f->egl_surface = eglCreateWindowSurface(f->display, config,
							(EGLNativeWindowType)f->surface, NULL);
		if (f->egl_surface == EGL_NO_SURFACE)
			errx(1, "no EGL surface");
	}
	if (!eglMakeCurrent(f->display, f->egl_surface, f->egl_surface, f->context))
		errx(1, "the GL context cannot be made current");
	printf("renderer: %s\n", (const char *)glGetString(GL_RENDERER));
	fflush(stdout);
}

/* Without a surface to show, draw into a texture. */
static void start_framebuffer(struct frame *f)
{
	GLuint fbo, color, depth;

	if (f->show)
		return;
	glGenTextures(1, &color);
	glBindTexture(GL_TEXTURE_2D, color);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, f->width, f->height, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glGenRenderbuffers(1, &depth);
	glBindRenderbuffer(GL_RENDERBUFFER, depth);
	glRenderbufferStorage(GL_RENDERBUFFER, GL_DEPTH_COMPONENT16, f->width, f->height);
	glGenFramebuffers(1, &fbo);
	glBindFramebuffer(GL_FRAMEBUFFER, fbo);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, color, 0);
	glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_DEPTH_ATTACHMENT, GL_RENDERBUFFER, depth);
	if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
		errx(1, "the framebuffer is not complete");
	glBindTexture(GL_TEXTURE_2D, 0);
}

static GLuint shader(GLenum type, const char *source)
{
	GLuint s = glCreateShader(type);
	GLint ok;

	glShaderSource(s, 1, &source, NULL);
	glCompileShader(s);
	glGetShaderiv(s, GL_COMPILE_STATUS, &ok);
	if (!ok)
		errx(1, "a shader does not compile");
	return s;
}

static GLuint program(void)
{
	static const char vertex[] =
		"attribute vec3 position; attribute vec2 at; attribute vec4 tint;"
		"varying vec2 v_at; varying vec4 v_tint;"
		"void main() { gl_Position = vec4(position, 1.0); v_at = at; v_tint = tint; }";
	static const char fragment[] =
		"precision mediump float; uniform sampler2D picture;"
		"varying vec2 v_at; varying vec4 v_tint;"
		"void main() { gl_FragColor = texture2D(picture, v_at) * v_tint; }";
	GLuint p = glCreateProgram();
	GLint ok;

	glAttachShader(p, shader(GL_VERTEX_SHADER, vertex));
	glAttachShader(p, shader(GL_FRAGMENT_SHADER, fragment));
	glBindAttribLocation(p, 0, "position");
	glBindAttribLocation(p, 1, "at");
	glBindAttribLocation(p, 2, "tint");
	glLinkProgram(p);
	glGetProgramiv(p, GL_LINK_STATUS, &ok);
	if (!ok)
		errx(1, "the program does not link");
	return p;
}

/* Every texel differs from its neighbours, and none is 0. */
static void texel(unsigned int x, unsigned int y, uint8_t *t)
{
	t[0] = 32 + (x * 37 + y * 11) % 223;
	t[1] = 32 + (x * 5 + y * 53) % 223;
	t[2] = 32 + (x * y * 7 + 3 * x) % 223;
	t[3] = 255;
}

static GLuint texture(void)
{
	/* Pieces of odd widths, so that strides and offsets matter. */
	static const unsigned int widths[] = { 1, 3, 7, 13, 29, 31, 44 };
	static uint8_t piece[TEXTURE_SIZE * TEXTURE_SIZE * 4];
	unsigned int left = 0, i, x, y;
	GLuint t;

	glGenTextures(1, &t);
	glBindTexture(GL_TEXTURE_2D, t);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, TEXTURE_SIZE, TEXTURE_SIZE, 0, GL_RGBA,
		     GL_UNSIGNED_BYTE, NULL);
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		for (y = 0; y < TEXTURE_SIZE; y++) {
			for (x = 0; x < widths[i]; x++)
				texel(left + x, y, piece + (y * widths[i] + x) * 4);
		}
		glTexSubImage2D(GL_TEXTURE_2D, 0, left, 0, widths[i], TEXTURE_SIZE, GL_RGBA,
				GL_UNSIGNED_BYTE, piece);
		left += widths[i];
	}
	if (left != TEXTURE_SIZE)
		errx(1, "the pieces do not make up the texture");
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
	check_gl("texture");
	return t;
}

struct vertex {
	float position[3], at[2], tint[4];
};

static void quad(struct vertex *v, float x, float y, float size, float z, const float *tint)
{
	static const float corner[6][2] = {
		{ 0, 0 }, { 1, 0 }, { 0, 1 }, { 0, 1 }, { 1, 0 }, { 1, 1 }
	};
	int i;

	for (i = 0; i < 6; i++) {
		v[i] = (struct vertex){
			.position = { x + corner[i][0] * size, y + corner[i][1] * size, z },
			.at = { corner[i][0], corner[i][1] },
		};
		memcpy(v[i].tint, tint, sizeof(v[i].tint));
	}
}

static void draw(struct frame *f)
{
	static const float white[4] = { 1, 1, 1, 1 }, red[4] = { 1, 0.25f, 0.25f, 1 };
	static const float glass[4] = { 0.5f, 1, 0.5f, 0.5f };
	struct vertex v[18];
	GLuint buffer, t;
	int i;

	glViewport(0, 0, f->width, f->height);
	glClearColor(0.1f, 0.2f, 0.4f, 1);
	glClear(GL_COLOR_BUFFER_BIT | GL_DEPTH_BUFFER_BIT);
	glUseProgram(program());
	t = texture();
	glGenBuffers(1, &buffer);
	glBindBuffer(GL_ARRAY_BUFFER, buffer);
	glEnable(GL_DEPTH_TEST);

	/* Red lies behind white, though it is drawn after it; glass lies before both. */
	quad(v, -0.9f, -0.9f, 1.1f, 0.0f, white);
	quad(v + 6, -0.3f, -0.3f, 1.1f, 0.5f, red);
	quad(v + 12, -0.6f, -0.5f, 0.7f, -0.5f, glass);
	glBufferData(GL_ARRAY_BUFFER, sizeof(v), v, GL_DYNAMIC_DRAW);
	glVertexAttribPointer(0, 3, GL_FLOAT, GL_FALSE, sizeof(v[0]), (void *)0);
	glVertexAttribPointer(1, 2, GL_FLOAT, GL_FALSE, sizeof(v[0]), (void *)(3 * sizeof(float)));
	glVertexAttribPointer(2, 4, GL_FLOAT, GL_FALSE, sizeof(v[0]), (void *)(5 * sizeof(float)));
	for (i = 0; i < 3; i++)
		glEnableVertexAttribArray(i);
	glDrawArrays(GL_TRIANGLES, 0, 12);
	glEnable(GL_BLEND);
	glBlendFunc(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA);
	glDrawArrays(GL_TRIANGLES, 12, 6);
	glDisable(GL_BLEND);

	/* The same buffer again while the first draws may not be done with it. */
	for (i = 0; i < 8; i++) {
		quad(v, -0.95f + 0.22f * i, 0.75f, 0.2f, -0.9f, i & 1 ? red : white);
		glBufferSubData(GL_ARRAY_BUFFER, 0, 6 * sizeof(v[0]), v);
		if (i == 4) {
			glCopyTexSubImage2D(GL_TEXTURE_2D, 0, 16, 16, 8, 8, 64, 64);
			glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
		}
		glDrawArrays(GL_TRIANGLES, 0, 6);
	}
	glBindTexture(GL_TEXTURE_2D, t);
	glFinish();
	check_gl("drawing");
}

static void keep(struct frame *f)
{
	size_t stride = (size_t)f->width * 4;
	uint8_t *rgba = malloc(stride * f->height), *p;
	FILE *out = fopen(f->out, "w");
	unsigned int x, y;

	if (!rgba || !out)
		err(1, "%s", f->out);
	glReadPixels(0, 0, f->width, f->height, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
	check_gl("reading back");
	fprintf(out, "P6\n%u %u\n255\n", f->width, f->height);
	for (y = f->height; y-- > 0;) {
		for (x = 0, p = rgba + y * stride; x < f->width; x++, p += 4)
			fwrite(p, 1, 3, out);
	}
	if (fclose(out))
		err(1, "%s", f->out);
	free(rgba);
}

static int show(struct frame *f)
{
	struct gbm_bo *bo;
	uint32_t fb;
	int status;

	if (!eglSwapBuffers(f->display, f->egl_surface))
		errx(1, "buffers are not swapped");
	bo = gbm_surface_lock_front_buffer(f->surface);
	if (!bo)
		err(1, "no front buffer");
	if (drmModeAddFB(f->fd, f->width, f->height, 24, 32, gbm_bo_get_stride(bo),
			 gbm_bo_get_handle(bo).u32, &fb))
		err(1, "no framebuffer");
	if (drmModeSetCrtc(f->fd, f->crtc_id, fb, 0, 0, &f->connector->connector_id, 1,
			   &f->connector->modes[0]))
		err(1, "the mode is not set");
	status = system(f->show);
	drmModeRmFB(f->fd, fb);
	return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "show", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct frame f = { .fd = -1, .width = 640, .height = 480 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			f.node = optarg;
			break;
		case 's':
			f.show = optarg;
			break;
		case 'z':
			if (sscanf(optarg, "%ux%u", &f.width, &f.height) != 2)
				errx(2, "bad size %s", optarg);
			break;
		default:
			fputs(help, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (optind + 1 != argc || (f.show && !f.node)) {
		fputs(help, stderr);
		return 2;
	}
	f.out = argv[optind];
	start_egl(&f);
	start_framebuffer(&f);
	draw(&f);
	keep(&f);
	return f.show ? show(&f) : 0;
}
