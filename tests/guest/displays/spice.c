// SPDX-License-Identifier: MIT
/*
 * spice: a client of QEMU's SPICE display. See help, and client.h.
 */
#include <spice-client.h>

#include "client.h"

static const char help[] =
	"usage: spice SOCKET WIDTH HEIGHT FILE\n"
	"Asks QEMU for a display of that size (0 0: as it is) and keeps the picture in FILE. The guest must\n"
	"have opened the agent's port, else the server takes no sizes.\n";

static const uint8_t *primary;
static int primary_stride;
static SpiceMainChannel *main_channel;

static void created(SpiceChannel *channel, int format, int width, int height, int stride, int shmid, void *data,
		    void *client)
{
	(void)channel;
	(void)format;
	(void)shmid;
	primary = data;
	primary_stride = stride;
	client_resize(client, width, height);
	client_update(client, primary, stride, 0, 0, width, height);
}

static void destroyed(SpiceChannel *channel, void *client)
{
	(void)channel;
	(void)client;
	primary = NULL;
}

static void invalidated(SpiceChannel *channel, int x, int y, int width, int height, void *client)
{
	(void)channel;
	if (primary)
		client_update(client, primary + (size_t)y * primary_stride + x * 4ul, primary_stride, x, y, width, height);
}

static void event(SpiceChannel *channel, SpiceChannelEvent what, void *client)
{
	(void)channel;
	(void)client;
	if (what != SPICE_CHANNEL_OPENED && what != SPICE_CHANNEL_CLOSED && what != SPICE_CHANNEL_SWITCHING)
		errx(1, "a channel has the event %d", what);
}

static void new_channel(SpiceSession *session, SpiceChannel *channel, void *client)
{
	(void)session;
	g_signal_connect(channel, "channel-event", G_CALLBACK(event), client);
	if (SPICE_IS_MAIN_CHANNEL(channel)) {
		main_channel = SPICE_MAIN_CHANNEL(channel);
	} else if (SPICE_IS_DISPLAY_CHANNEL(channel)) {
		g_signal_connect(channel, "display-primary-create", G_CALLBACK(created), client);
		g_signal_connect(channel, "display-primary-destroy", G_CALLBACK(destroyed), client);
		g_signal_connect(channel, "display-invalidate", G_CALLBACK(invalidated), client);
		spice_channel_connect(channel);
	}
}

/* The server takes a size when it knows of the agent. */
static int ask_for_size(void *data)
{
	struct client *c = data;
	gboolean agent = FALSE;

	if (!main_channel || !c->want_width)
		return G_SOURCE_CONTINUE;
	g_object_get(main_channel, "agent-connected", &agent, NULL);
	if (!agent)
		return G_SOURCE_CONTINUE;
	spice_main_channel_update_display_enabled(main_channel, 0, TRUE, FALSE);
	spice_main_channel_update_display(main_channel, 0, 0, 0, c->want_width, c->want_height, FALSE);
	if (!spice_main_channel_send_monitor_config(main_channel))
		errx(1, "the size is not sent");
	return G_SOURCE_REMOVE;
}

static int tick(void *data)
{
	(void)data;
	return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
	SpiceSession *session;
	struct client c;

	client_init(&c, argc, argv, help);
	session = spice_session_new();
	g_object_set(session, "unix-path", c.address, "enable-audio", FALSE, "enable-usbredir", FALSE, NULL);
	g_signal_connect(session, "channel-new", G_CALLBACK(new_channel), &c);
	if (!spice_session_connect(session))
		errx(1, "no connection to %s", c.address);
	g_timeout_add(200, tick, NULL);
	g_timeout_add(500, ask_for_size, &c);
	while (!client_done(&c))
		g_main_context_iteration(NULL, TRUE);
	spice_session_disconnect(session);
	return 0;
}
