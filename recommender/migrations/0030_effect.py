"""The recommendation log, the figures counted from it, and a catalog's settings of both."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

# The catalog and user first: the last touch of a user is looked for.
LOG = """
CREATE TABLE recommender_recommendation (
    rec_id uuid NOT NULL,
    at timestamptz NOT NULL,
    catalog_id bigint NOT NULL,
    operation text NOT NULL,
    placement text,
    placement_version integer,
    variant text,
    "user" text,
    items jsonb NOT NULL,
    spaces jsonb NOT NULL,
    ranker bigint,
    PRIMARY KEY (rec_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX recommendation_user ON recommender_recommendation (catalog_id, "user", at);
CREATE INDEX recommendation_time ON recommender_recommendation (catalog_id, at);
"""


class Migration(migrations.Migration):
    dependencies = [("recommender", "0029_placements")]

    operations = [
        migrations.RunSQL(LOG, "DROP TABLE recommender_recommendation"),
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('pk', models.CompositePrimaryKey('rec_id', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('rec_id', models.UUIDField()),
                ('at', models.DateTimeField()),
                ('operation', models.TextField()),
                ('placement', models.TextField(null=True)),
                ('placement_version', models.IntegerField(null=True)),
                ('variant', models.TextField(null=True)),
                ('user', models.TextField(null=True)),
                ('items', models.JSONField()),
                ('spaces', models.JSONField()),
                ('ranker', models.BigIntegerField(null=True)),
            ],
            options={
                'db_table': 'recommender_recommendation',
                'ordering': ('-at',),
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='LostAnswers',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'lost answers',
            },
        ),
        migrations.AddField(
            model_name='catalog',
            name='impressions_by',
            field=models.CharField(choices=[('event', "An event of type impression with the list's rec_id"), ('answer', 'The answer itself: what is listed is seen')], db_default='event', default='event', help_text='What says that a product was seen in a list.', max_length=8),
        ),
        migrations.AddField(
            model_name='catalog',
            name='log_days',
            field=models.PositiveIntegerField(db_default=90, default=90, help_text='After so many days the recommendation log forgets an answer; figures stay.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)], verbose_name='days logged'),
        ),
        migrations.AddField(
            model_name='catalog',
            name='log_share',
            field=models.FloatField(db_default=1.0, default=1.0, help_text='Of the answers, how many the recommendation log keeps: 1 all, 0 none. Effect is measured of those.', validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)], verbose_name='share logged'),
        ),
        migrations.AddField(
            model_name='catalog',
            name='touch_hours',
            field=models.PositiveSmallIntegerField(choices=[(0, 'Only by rec_id'), (1, '1 hour'), (6, '6 hours'), (24, '1 day'), (72, '3 days'), (168, '7 days')], db_default=24, default=24, help_text='What a user buys without a rec_id is owed to the list that showed it to them last, within this time.', verbose_name='last touch'),
        ),
        migrations.CreateModel(
            name='LateDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('catalog', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='recommender.catalog', verbose_name='catalog')),
            ],
        ),
        migrations.CreateModel(
            name='EffectFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('operation', models.TextField(blank=True)),
                ('placement', models.TextField(null=True)),
                ('placement_version', models.IntegerField(null=True)),
                ('variant', models.TextField(null=True)),
                ('source', models.TextField(null=True)),
                ('product_id', models.BigIntegerField(null=True)),
                ('hours', models.SmallIntegerField(null=True)),
                ('impressions', models.BigIntegerField(default=0)),
                ('clicks', models.BigIntegerField(default=0)),
                ('carts', models.BigIntegerField(default=0)),
                ('purchases', models.BigIntegerField(default=0)),
                ('revenue', models.FloatField(default=0)),
                ('revenue_squares', models.FloatField(default=0)),
                ('orders', models.BigIntegerField(default=0)),
                ('unknown', models.BigIntegerField(default=0, help_text='Events with a rec_id that the log does not have.')),
                ('catalog', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='recommender.catalog', verbose_name='catalog')),
            ],
            options={
                'verbose_name_plural': 'effect',
                'indexes': [models.Index(fields=['catalog', 'day'], name='effect_day')],
            },
        ),
    ]
