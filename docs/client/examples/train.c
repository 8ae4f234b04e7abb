/* Trains a small neural net to read digits, and logs all of it: nothing but libtally and libm.

   The digits are drawn here: strokes of each figure, shifted, turned, scaled, thickened and covered with noise, 28 × 28
   grey values as in MNIST. The net has one hidden layer and learns by stochastic gradient descent with momentum.

     cc -O2 train.c -o train $(pkg-config --cflags --libs tally) -lm && ./train

   Where to log is told by TALLY_SERVER and the other variables of docs/client/options.md. Training goes on, and ends
   with the same result, when that server is not there: `tally sync` sends what is left in the spool. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally.h>

#define SIDE 28
#define INPUTS (SIDE * SIDE)
#define HIDDEN 48
#define DIGITS 10
#define TRAINING_IMAGES 6000
#define TEST_IMAGES 1500
#define EPOCHS 6
#define BATCH_IMAGES 32
#define LEARNING_RATE 0.05f
#define MOMENTUM 0.9f
#define SEED 20240229u

/* --- chance --------------------------------------------------------------------------------------------------------
 */

static unsigned long long chance_state = SEED;

/* Uniform in [0, 1): the generator of Knuth's MMIX. */
static float
chance (void)
{
  chance_state = chance_state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (float)(chance_state >> 40) / (float)(1 << 24);
}

static float
between (float least, float most)
{
  return least + (most - least) * chance ();
}

/* --- digits --------------------------------------------------------------------------------------------------------
 */

struct image
{
  float pixels[INPUTS]; /* 0 to 1 */
  int digit;
};

struct point
{
  float x, y;
};

/* Strokes of the figures in a square from 0 to 1; a negative x lifts the pen. */
static const struct point strokes[DIGITS][14] = {
  { { .5f, .1f },
    { .25f, .25f },
    { .2f, .5f },
    { .25f, .75f },
    { .5f, .9f },
    { .75f, .75f },
    { .8f, .5f },
    { .75f, .25f },
    { .5f, .1f } },
  { { .35f, .3f }, { .55f, .1f }, { .55f, .9f } },
  { { .2f, .3f }, { .35f, .12f }, { .6f, .1f }, { .78f, .3f }, { .7f, .5f }, { .2f, .9f }, { .8f, .9f } },
  { { .2f, .15f }, { .6f, .1f }, { .75f, .28f }, { .5f, .47f }, { .78f, .68f }, { .6f, .9f }, { .2f, .85f } },
  { { .6f, .1f }, { .2f, .6f }, { .85f, .6f }, { -1, 0 }, { .65f, .4f }, { .65f, .9f } },
  { { .75f, .1f }, { .3f, .1f }, { .25f, .45f }, { .6f, .42f }, { .78f, .65f }, { .6f, .9f }, { .2f, .85f } },
  { { .65f, .1f },
    { .35f, .35f },
    { .22f, .65f },
    { .4f, .9f },
    { .7f, .85f },
    { .75f, .62f },
    { .5f, .5f },
    { .25f, .65f } },
  { { .2f, .1f }, { .8f, .1f }, { .4f, .9f } },
  { { .5f, .48f },
    { .25f, .3f },
    { .5f, .1f },
    { .75f, .3f },
    { .5f, .48f },
    { .2f, .7f },
    { .5f, .9f },
    { .8f, .7f },
    { .5f, .48f } },
  { { .75f, .35f },
    { .5f, .5f },
    { .25f, .35f },
    { .45f, .1f },
    { .72f, .15f },
    { .75f, .35f },
    { .68f, .65f },
    { .45f, .9f } },
};

/* Ink near a line between two points of the grid. */
static void
draw_line (struct image *image, struct point from, struct point to, float thickness)
{
  const float dx = to.x - from.x;
  const float dy = to.y - from.y;
  const float length2 = dx * dx + dy * dy + 1e-6f;

  for (int i = 0; i < INPUTS; i++)
  {
    const float x = (float)(i % SIDE) - from.x;
    const float y = (float)(i / SIDE) - from.y;
    const float along = fminf (1, fmaxf (0, (x * dx + y * dy) / length2));
    const float distance = hypotf (x - along * dx, y - along * dy);
    const float ink = fminf (1, fmaxf (0, thickness + 0.5f - distance));

    if (ink > image->pixels[i])
      image->pixels[i] = ink;
  }
}

static void
draw_digit (struct image *image, int digit)
{
  const float angle = between (-0.3f, 0.3f);
  const float slant = between (-0.25f, 0.25f);
  const float width = between (15, 22);
  const float height = between (17, 23);
  const float left = (float)SIDE / 2 + between (-2.5f, 2.5f);
  const float top = (float)SIDE / 2 + between (-2, 2);
  const float thickness = between (0.7f, 1.7f);
  struct point last = { -1, 0 };

  memset (image, 0, sizeof (*image));
  image->digit = digit;
  for (size_t i = 0; i < sizeof (strokes[0]) / sizeof (strokes[0][0]); i++)
  {
    const struct point pen = strokes[digit][i];
    struct point at = { -1, 0 };

    if (0 == pen.x && 0 == pen.y)
      break;
    if (pen.x >= 0)
    {
      const float x = (pen.x - 0.5f + slant * (0.5f - pen.y)) * width + between (-0.7f, 0.7f);
      const float y = (pen.y - 0.5f) * height + between (-0.7f, 0.7f);

      at.x = fmaxf (0, left + x * cosf (angle) - y * sinf (angle));
      at.y = top + x * sinf (angle) + y * cosf (angle);
    }
    if (last.x >= 0 && at.x >= 0)
      draw_line (image, last, at, thickness);
    last = at;
  }
  for (int i = 0; i < INPUTS; i++)
    image->pixels[i] = fminf (1, fmaxf (0, image->pixels[i] * between (0.7f, 1) + between (-0.2f, 0.2f)));
}

static struct image *
draw_digits (size_t count)
{
  struct image *images = malloc (count * sizeof (*images));

  for (size_t i = 0; NULL != images && i < count; i++)
    draw_digit (&images[i], (int)(chance () * DIGITS));
  return images;
}

/* --- the net -------------------------------------------------------------------------------------------------------
 */

struct weights
{
  float hidden[HIDDEN][INPUTS];
  float hidden_bias[HIDDEN];
  float output[DIGITS][HIDDEN];
  float output_bias[DIGITS];
};
#define WEIGHT_COUNT (sizeof (struct weights) / sizeof (float))

struct net
{
  struct weights weights;
  struct weights slope; /* of the loss, summed over a batch */
  struct weights speed; /* momentum */
};

struct activations
{
  float hidden[HIDDEN];
  float output[DIGITS]; /* probabilities */
};

static void
net_init (struct net *net)
{
  const float hidden_range = sqrtf (6.0f / INPUTS);
  const float output_range = sqrtf (6.0f / HIDDEN);

  memset (net, 0, sizeof (*net));
  for (int i = 0; i < HIDDEN; i++)
    for (int k = 0; k < INPUTS; k++)
      net->weights.hidden[i][k] = between (-hidden_range, hidden_range);
  for (int i = 0; i < DIGITS; i++)
    for (int k = 0; k < HIDDEN; k++)
      net->weights.output[i][k] = between (-output_range, output_range);
}

/* Fills in the activations; returns the loss (cross entropy). */
static float
net_forward (struct activations *on, const struct net *net, const struct image *image)
{
  const struct weights *weights = &net->weights;
  float most = -INFINITY;
  float sum = 0;

  for (int i = 0; i < HIDDEN; i++)
  {
    float value = weights->hidden_bias[i];

    for (int k = 0; k < INPUTS; k++)
      value += weights->hidden[i][k] * image->pixels[k];
    on->hidden[i] = fmaxf (0, value);
  }
  for (int i = 0; i < DIGITS; i++)
  {
    on->output[i] = weights->output_bias[i];
    for (int k = 0; k < HIDDEN; k++)
      on->output[i] += weights->output[i][k] * on->hidden[k];
    most = fmaxf (most, on->output[i]);
  }
  for (int i = 0; i < DIGITS; i++)
    sum += on->output[i] = expf (on->output[i] - most);
  for (int i = 0; i < DIGITS; i++)
    on->output[i] /= sum;
  return -logf (fmaxf (on->output[image->digit], 1e-9f));
}

static void
net_backward (struct net *net, const struct activations *on, const struct image *image)
{
  float hidden_error[HIDDEN] = { 0 };

  for (int i = 0; i < DIGITS; i++)
  {
    const float error = on->output[i] - (i == image->digit ? 1 : 0);

    net->slope.output_bias[i] += error;
    for (int k = 0; k < HIDDEN; k++)
    {
      hidden_error[k] += error * net->weights.output[i][k];
      net->slope.output[i][k] += error * on->hidden[k];
    }
  }
  for (int i = 0; i < HIDDEN; i++)
  {
    if (on->hidden[i] <= 0)
      continue;
    net->slope.hidden_bias[i] += hidden_error[i];
    for (int k = 0; k < INPUTS; k++)
      net->slope.hidden[i][k] += hidden_error[i] * image->pixels[k];
  }
}

/* One step down the slope; returns its length. */
static float
net_step (struct net *net, int images)
{
  float *weights = (float *)&net->weights;
  float *slope = (float *)&net->slope;
  float *speed = (float *)&net->speed;
  float norm2 = 0;

  for (size_t i = 0; i < WEIGHT_COUNT; i++)
  {
    const float mean = slope[i] / (float)images;

    norm2 += mean * mean;
    speed[i] = MOMENTUM * speed[i] - LEARNING_RATE * mean;
    weights[i] += speed[i];
    slope[i] = 0;
  }
  return sqrtf (norm2);
}

static int
is_right (const struct activations *on, const struct image *image)
{
  int best = 0;

  for (int i = 1; i < DIGITS; i++)
    if (on->output[i] > on->output[best])
      best = i;
  return best == image->digit;
}

/* The part of the images that is read right. */
static double
net_accuracy (const struct net *net, const struct image *images, size_t count)
{
  size_t right = 0;

  for (size_t i = 0; i < count; i++)
  {
    struct activations on;

    (void)net_forward (&on, net, &images[i]);
    right += (size_t)is_right (&on, &images[i]);
  }
  return (double)right / (double)count;
}

/* --- training, logged ----------------------------------------------------------------------------------------------
 */

/* What went wrong, for a person; training does not stop for it. */
static void
tell (const char *what, const struct tally_error *err)
{
  fprintf (stderr, "train: %s: %s\n", what, err->message);
}

static void
log_settings (struct tally_run *run)
{
  static const struct tally_dataset digits = {
    .name = "drawn-digits", .digest = "seed-20240229", .source_type = "code", .source = "train.c"
  };
  char rate[32];
  char images[32];
  struct tally_error err;

  snprintf (rate, sizeof (rate), "%g", (double)LEARNING_RATE);
  snprintf (images, sizeof (images), "%d", TRAINING_IMAGES);
  {
    const struct tally_pair params[] = {
      { "learning_rate", rate }, { "momentum", "0.9" }, { "hidden", "48" },
      { "batch_images", "32" },  { "epochs", "6" },     { "training_images", images }
    };

    if (TALLY_OK != tally_log_params (run, params, sizeof (params) / sizeof (params[0]), &err))
      tell ("params", &err);
  }
  if (TALLY_OK != tally_log_dataset (run, &digits, "training", &err))
    tell ("data set", &err);
  if (TALLY_OK != tally_capture_environment (run, &err))
    tell ("environment", &err);
  /* Outside of a git work tree there is nothing to capture. */
  (void)tally_capture_git (run, NULL, NULL);
}

/* One pass over the images; `step` counts the batches of all passes. */
static void
train_epoch (struct net *net, const struct image *images, struct tally_run *run, long long *step)
{
  for (size_t i = 0; i + BATCH_IMAGES <= TRAINING_IMAGES; i += BATCH_IMAGES)
  {
    float loss = 0;
    int right = 0;

    for (size_t k = i; k < i + BATCH_IMAGES; k++)
    {
      struct activations on;

      loss += net_forward (&on, net, &images[k]);
      right += is_right (&on, &images[k]);
      net_backward (net, &on, &images[k]);
    }
    {
      const struct tally_value values[] = { { "loss", (double)loss / BATCH_IMAGES },
                                            { "batch_accuracy", (double)right / BATCH_IMAGES },
                                            { "gradient_norm", net_step (net, BATCH_IMAGES) } };

      /* Costs about a microsecond and never waits. */
      (void)tally_log_metrics (run, values, sizeof (values) / sizeof (values[0]), (*step)++, NULL);
    }
  }
}

/* The weights as a logged model, and that as the next version of "digits"; these calls wait for the server. */
static void
publish (struct tally_client *client, struct tally_run *run, const struct net *net, double accuracy)
{
  const struct tally_pair params[] = { { "hidden", "48" } };
  char model_id[TALLY_MODEL_ID_BYTES];
  char source[TALLY_MODEL_ID_BYTES + 16];
  char run_id[TALLY_RUN_ID_BYTES];
  char path[] = "/tmp/weights.XXXXXX";
  int file = mkstemp (path);
  FILE *out = file < 0 ? NULL : fdopen (file, "wb");
  int64_t version = 0;
  struct tally_error err;

  if (NULL == out || 1 != fwrite (&net->weights, sizeof (net->weights), 1, out) || 0 != fclose (out))
  {
    perror ("train: weights");
    return;
  }
  if (TALLY_OK == tally_logged_model_create (model_id, run, "digits", "mlp", params, 1, 30000, &err))
  {
    snprintf (source, sizeof (source), "models:/%s", model_id);
    (void)tally_log_model_metric (run, model_id, "test_accuracy", accuracy, EPOCHS, "drawn-digits", "seed-20240229",
                                  NULL);
    if (TALLY_OK == tally_artifact_upload (client, source, path, "weights.f32", NULL, &err)
        && TALLY_OK == tally_logged_model_finalize (client, model_id, TALLY_MODEL_READY, &err)
        && TALLY_OK == tally_run_server_id (run_id, run, 30000, &err)
        && TALLY_OK == tally_model_register (&version, client, "digits", source, run_id, model_id, NULL, &err))
      printf ("registered as version %lld of 'digits'\n", (long long)version);
  }
  if (0 == version)
    tell ("the model was not registered", &err);
  (void)remove (path);
}

static int
train (struct tally_client *client, struct tally_run *run)
{
  struct image *training = draw_digits (TRAINING_IMAGES);
  struct image *test = draw_digits (TEST_IMAGES);
  struct net *net = malloc (sizeof (*net));
  double accuracy = 0;
  long long step = 0;

  if (NULL == training || NULL == test || NULL == net)
    return -1;
  net_init (net);
  log_settings (run);
  for (int epoch = 1; epoch <= EPOCHS; epoch++)
  {
    train_epoch (net, training, run, &step);
    accuracy = net_accuracy (net, test, TEST_IMAGES);
    (void)tally_log_metric (run, "training_accuracy", net_accuracy (net, training, TRAINING_IMAGES), epoch, NULL);
    (void)tally_log_metric (run, "test_accuracy", accuracy, epoch, NULL);
    printf ("epoch %d: %.1f %% of the test images\n", epoch, 100 * accuracy);
  }
  (void)tally_log_artifact_bytes (run, "weights.f32", &net->weights, sizeof (net->weights), NULL);
  publish (client, run, net, accuracy);
  free (net);
  free (test);
  free (training);
  return accuracy > 0.9 ? 0 : -1;
}

int
main (void)
{
  struct tally_client *client;
  struct tally_system *system = NULL;
  struct tally_run *run = NULL;
  struct tally_error err;
  int result = -1;

  if (TALLY_OK != tally_open (&client, NULL, &err))
  {
    tell ("the options", &err);
    return EXIT_FAILURE;
  }
  if (TALLY_OK == tally_run_start (&run, client, "digits", NULL, &err))
  {
    if (TALLY_OK != tally_system_start (&system, run, 500, 0, &err))
      tell ("system metrics", &err);
    result = train (client, run);
    tally_system_stop (system);
    (void)tally_run_end (run, 0 == result ? TALLY_STATUS_FINISHED : TALLY_STATUS_FAILED, NULL);
  }
  else
    tell ("no run", &err);
  tally_run_free (run);
  if (TALLY_OK != tally_close (client, -1, &err))
    tell ("not all was sent", &err);
  return 0 == result ? EXIT_SUCCESS : EXIT_FAILURE;
}
