"""Search redirects: words that lead to a place of the shop."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("recommender", "0043_effect_product"),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchRedirect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('words', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), help_text='Whole searches, in any form of their words, separated by commas: returns, send it back.', size=50)),
                ('address', models.CharField(blank=True, help_text='Where they lead: https://shop.example/returns, or /returns of your site.', max_length=1000)),
                ('category', models.CharField(blank=True, help_text='Or the category that they lead to, with its path: Kitchen/Mugs.', max_length=1000)),
                ('catalog', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='redirects', to='recommender.catalog', verbose_name='catalog')),
            ],
            options={
                'verbose_name': 'search redirect',
                'verbose_name_plural': 'search redirects',
                'ordering': ('catalog', 'id'),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('address', ''), ('category__gt', '')), models.Q(('address__gt', ''), ('category', '')), _connector='OR'), name='redirect_to_one_place')],
            },
        ),
    ]
